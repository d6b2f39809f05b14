"""The mixture's Parquet files as others take them: `datasets` loads them, and TRL's SFTTrainer trains on them as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.mixtures.mixing import MixtureSettings, write_sft_mixture
from tests.pipelines.mixtures.test_packing import make_tokenizer

datasets = pytest.importorskip("datasets")
TIR = "We compute.\n```python\nprint(6 * 7)\n```\n```output\n42\n```\nThe answer is $\\boxed{42}$."
TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}"
    "{% for call in message.tool_calls or [] %}<call>{{ call.arguments }}</call>{% endfor %}\n{% endfor %}"
)


@pytest.fixture
def fresh_accelerate() -> Iterator[None]:
    """TRL's trainer sets a precision for the whole process, which accelerate then refuses to change for later tests."""
    yield
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(True)


@pytest.fixture
def mixture(tmp_path: Path, examples: Any) -> Path:
    rows = [{"question": f"What is {n} times 7?"} for n in range(7)]
    rows += [{"question": "6 times 7?", "response": TIR, "form": "tir", "verification": "executed"}]
    folder = tmp_path / "mixture"
    folder.mkdir()
    write_sft_mixture(folder, MixtureSettings(weights={"a": 1.0}), sources={"a": examples("a", rows)}, problems={})
    return folder


def loaded(mixture: Path, tmp_path: Path) -> Any:
    return datasets.load_dataset(
        "parquet", data_files=str(mixture / "*.parquet"), split="train", cache_dir=tmp_path / "cache"
    )


def test_datasets_loads_the_mixture_with_its_tool_calls(mixture: Path, tmp_path: Path) -> None:
    rows = list(loaded(mixture, tmp_path))
    assert len(rows) == 8
    (tir,) = [row for row in rows if row["form"] == "tir"]
    assert [message["role"] for message in tir["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert tir["messages"][1]["tool_calls"][0]["arguments"] == '{"code": "print(6 * 7)"}'
    assert tir["messages"][2]["content"] == "42"


@pytest.mark.usefixtures("fresh_accelerate")
def test_trl_trains_on_the_mixture_as_it_is(mixture: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(make_tokenizer(tmp_path / "tokenizer"))
    tokenizer.chat_template, tokenizer.pad_token = TEMPLATE, tokenizer.eos_token
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **shape))
    arguments = trl.SFTConfig(
        output_dir=str(tmp_path / "out"),
        max_steps=6,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        use_cpu=True,
        report_to=[],
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = trl.SFTTrainer(
        model=model, args=arguments, train_dataset=loaded(mixture, tmp_path), processing_class=tokenizer
    )
    trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert len(losses) == 6
    assert losses[-1] < losses[0]
