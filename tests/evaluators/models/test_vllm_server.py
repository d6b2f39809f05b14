"""Our own vLLM server: clear errors before anything runs. Real runs: test_real_server.py."""

import importlib.util
import socket
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from evaluators.models import vllm_server
from evaluators.models.vllm_server import (
    ServerError,
    ServerSettings,
    VllmServer,
    deterministic_kernels,
    emulates_bfloat16,
    model_hash,
    on_cpu,
)


def model_files(folder: Path, **files: str) -> Path:
    for name, content in {"config.json": "{}", "model.safetensors": "weights", **files}.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_a_folder_without_a_model_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"config\.json and \*\.safetensors missing, found no such folder"):
        VllmServer(tmp_path / "none", ServerSettings(), log=tmp_path / "log").__enter__()
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ServerError, match=r"\*\.safetensors missing, found \['config\.json'\]"):
        VllmServer(tmp_path, ServerSettings(), log=tmp_path / "log").__enter__()


def test_a_port_in_use_is_refused_with_a_remedy(tmp_path: Path) -> None:
    if importlib.util.find_spec("vllm") is None:
        pytest.skip("vLLM is not installed: pip install 'mathsieve[cpu]'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = ServerSettings(port=taken.getsockname()[1])
        with pytest.raises(ServerError, match=r"is in use.*Set server\.port to 0"):
            VllmServer(model_files(tmp_path), settings, log=tmp_path / "log").__enter__()


def test_settings_become_the_command_line(tmp_path: Path) -> None:
    settings = ServerSettings(
        tensor_parallel=2,
        data_parallel=4,
        dtype="float32",
        max_model_len=2048,
        extra_arguments=("--quantization", "fp8"),
    )
    command = " ".join(VllmServer(tmp_path, settings, log=tmp_path / "log").command())
    for expected in (
        "--tensor-parallel-size 2", "--data-parallel-size 4", "--dtype float32", "--max-model-len 2048",
        "--host 127.0.0.1", "--seed 0", "--quantization fp8",
    ):  # fmt: skip
        assert expected in command


@pytest.mark.parametrize(
    ("asked", "cpu", "told"),
    [
        (None, True, "--block-size 32"),
        (64, True, "--block-size 64"),
        (64, False, "--block-size 64"),
        (None, False, None),
    ],
)
def test_prompts_on_a_cpu_share_blocks_of_its_kernels_least_size(
    asked: int | None, cpu: bool, told: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm_server, "on_cpu", lambda: cpu)
    command = " ".join(VllmServer(tmp_path, ServerSettings(block_size=asked), log=tmp_path / "log").command())
    assert told in command if told else "--block-size" not in command


@pytest.mark.parametrize(
    ("flags", "settings", "configuration", "dtype"),
    [
        ("fpu avx2", {}, "{}", "float32"),
        ("fpu avx2 avx512f", {}, "{}", "auto"),
        ("fpu avx2", {"dtype": "bfloat16"}, "{}", "bfloat16"),
        ("fpu avx2", {}, '{"quantization_config": {"quant_method": "awq"}}', "auto"),
        ("fpu avx2", {"extra_arguments": ("--quantization", "fp8")}, "{}", "auto"),
    ],
    ids=["without AVX-512", "with AVX-512", "asked for", "quantised weights", "quantised when loaded"],
)
def test_a_cpu_without_bfloat16_kernels_computes_in_float32(
    flags: str,
    settings: dict[str, Any],
    configuration: str,
    dtype: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text(f"processor\t: 0\nflags\t\t: {flags}\n", encoding="utf-8")
    monkeypatch.setattr(vllm_server, "on_cpu", lambda: True)
    monkeypatch.setattr(vllm_server, "emulates_bfloat16", partial(emulates_bfloat16, facts))
    folder = model_files(tmp_path, **{"config.json": configuration})
    server = VllmServer(folder, ServerSettings(**settings), log=tmp_path / "log")
    assert f"--dtype {dtype} " in " ".join(server.command())
    monkeypatch.setattr(vllm_server, "on_cpu", lambda: False)
    assert not emulates_bfloat16(facts)


LOGS = {
    "set server.max_model_len": """pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig
  Value error, User-specified max_model_len (100000) is greater than the derived max_model_len [type=value_error]
    For further information visit https://errors.pydantic.dev""",
    "weights are damaged": """(Worker pid=9) ERROR 11-24 [x.py:953] safetensors._safetensors_rust.SafetensorError: Error while deserializing
(EngineCore pid=8) ERROR 11-24 [core.py:1510] Exception: WorkerProc initialization failed due to an exception
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}""",
    "correct server.extra_arguments": """                     [--shutdown-timeout SHUTDOWN_TIMEOUT]
api_server.py: error: unrecognized arguments: --no-such-thing""",
    "needs its tokenizer": "ValueError: Couldn't instantiate the backend tokenizer from one of:\n(1) a file",
    "the port is in use": "OSError: [Errno 98] Address already in use",
    "serve it elsewhere": "  Value error, The checkpoint has model type `foo` but Transformers does not recognize this architecture.",
    "see the log": "(APIServer pid=1) WARNING This can cause fd limit errors like `OSError: [Errno 24] Too many open files`",
}


@pytest.mark.parametrize("remedy", LOGS)  # as vLLM 0.32 wrote them, shortened
def test_a_server_that_cannot_start_is_explained_by_its_own_complaint(remedy: str, tmp_path: Path) -> None:
    said = VllmServer(tmp_path, ServerSettings(), log=tmp_path / "log")._why_not(1, LOGS[remedy])
    assert remedy in said
    assert said.count("\n") == 1
    assert "initialization failed" not in said


def test_deterministic_kernels_are_asked_for_where_the_server_runs(tmp_path: Path) -> None:
    assert deterministic_kernels(cpu=True) == {"VLLM_CPU_ATTN_SPLIT_KV": "0"}
    assert deterministic_kernels(cpu=False) == {"VLLM_BATCH_INVARIANT": "1"}
    asked = VllmServer(tmp_path, ServerSettings(deterministic=True), log=tmp_path / "log").environment()
    usual = VllmServer(tmp_path, ServerSettings(), log=tmp_path / "log").environment()
    assert dict(asked.items() - usual.items()) == deterministic_kernels(cpu=on_cpu())
    ((name, _),) = deterministic_kernels(cpu=on_cpu()).items()
    own = ServerSettings(deterministic=True, environment={name: "mine"})  # the recipe has the last word
    assert VllmServer(tmp_path, own, log=tmp_path / "log").environment()[name] == "mine"


def test_the_models_hash_follows_its_files_and_not_the_stores_bookkeeping(tmp_path: Path) -> None:
    model_files(tmp_path, **{"tokenizer.json": "t"})
    before = model_hash(tmp_path)
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    assert model_hash(tmp_path) == before
    (tmp_path / "model.safetensors").write_text("other weights", encoding="utf-8")
    assert model_hash(tmp_path) != before
