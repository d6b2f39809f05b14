"""A tiny random Llama with a byte-level tokenizer, a packed mixture and problems: enough to really train on a CPU."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.records import PACKED, PROBLEMS
from pipelines.storage import Artifact


def make_tokenizer(folder: Path) -> None:
    """One token for each byte, after <pad>, <s> and </s>."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<pad>": 0, "<s>": 1, "</s>": 2} | {letter: i + 3 for i, letter in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in ("<pad>", "<s>", "</s>")])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    fast.save_pretrained(folder)


def make_model(folder: Path, *, seed: int = 0, layers: int = 2) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=260,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        tie_word_embeddings=True,
        initializer_range=0.1,  # far enough from uniform that a wrong mask or shift shows in the loss
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    make_tokenizer(folder)


def artifact(name: str, folder: Path) -> Artifact:
    """A folder as the stages take it."""
    return Artifact(name=name, path=folder, content="0" * 64)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Matrices this small gain nothing from a second thread, and lose much where other tests keep it busy."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny_model")
    make_model(folder)
    return folder


def packed_row(*examples: tuple[str, str]) -> dict[str, list[int]]:
    """Examples (prompt, response) end to end, as pipelines/mixtures packs them: BOS prompt response EOS."""
    row: dict[str, list[int]] = {"input_ids": [], "labels": [], "position_ids": []}
    for prompt, response in examples:
        question = [1, *(byte + 3 for byte in prompt.encode())]
        answer = [*(byte + 3 for byte in response.encode()), 2]
        row["input_ids"] += question + answer
        row["labels"] += [-100] * len(question) + answer
        row["position_ids"] += range(len(question) + len(answer))
    return row


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    folder = tmp_path_factory.mktemp("packed")
    rows = [packed_row((f"{a}+{b}=", str(a + b)), (f"{b}+{a}=", str(a + b))) for a in range(8) for b in range(4)]
    pq.write_table(pa.Table.from_pylist(rows, schema=PACKED), folder / "part-00000.parquet", row_group_size=8)
    return artifact("packed", folder)


@pytest.fixture(scope="session")
def problems(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    folder = tmp_path_factory.mktemp("problems")
    rows = [
        {
            "id": f"sums/train/{n}",
            "benchmark": "sums",
            "split": "train",
            "language": "en",
            "question": f"{n}+1",
            "reference": str(n + 1),
            "solution": None,
            "subject": None,
            "level": None,
        }
        for n in range(6)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=PROBLEMS), folder / "part-00000.parquet")
    return artifact("problems", folder)
