"""A packed mixture and problems for the tiny model of tests/conftest.py: enough to really train on a CPU."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.records import PACKED, PROBLEMS
from pipelines.storage import Artifact


def artifact(name: str, folder: Path) -> Artifact:
    """A folder as the stages take it."""
    return Artifact(name=name, place=folder, content="0" * 64)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Matrices this small gain nothing from a second thread, and lose much where other tests keep it busy."""
    import torch

    torch.set_num_threads(1)


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
