"""Artifacts and data for the tests of mixtures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipelines.example_text import example_messages
from pipelines.mixtures.source import write_rows
from pipelines.records import EXAMPLES, PROBLEMS
from pipelines.storage import Artifact, Store

MakeArtifact = Callable[..., Artifact]


@pytest.fixture
def real_data() -> Path:
    place = os.environ.get("MATHSIEVE_REAL_DATA")
    if not place:
        pytest.skip("MATHSIEVE_REAL_DATA is not set: real data is not checked here")
    return Path(place)


@pytest.fixture
def examples(tmp_path: Path) -> MakeArtifact:
    """Makes an artifact of EXAMPLES rows; what a row does not say is filled in."""

    def make(name: str, rows: Sequence[Mapping[str, Any]], problems: Sequence[Mapping[str, Any]] = ()) -> Artifact:
        def write(folder: Path) -> dict[str, int]:
            filled = [_example(name, number, row) for number, row in enumerate(rows)]
            write_rows(folder / "examples-00000.parquet", filled, EXAMPLES)
            write_rows(folder / "problems-00000.parquet", [_problem(name, row) for row in problems], PROBLEMS)
            return {"rows": len(filled)}

        return Store(tmp_path / "store").build({"name": name, "settings": [dict(row) for row in rows]}, write)

    return make


@pytest.fixture
def benchmark(tmp_path: Path) -> MakeArtifact:
    """Makes a benchmark's artifact of questions."""

    def make(name: str, questions: Sequence[str]) -> Artifact:
        rows = [_problem(name, {"id": f"{name}/{n}", "question": q, "reference": "1"}) for n, q in enumerate(questions)]

        def write(folder: Path) -> dict[str, int]:
            write_rows(folder / "problems.parquet", rows, PROBLEMS)
            return {}

        return Store(tmp_path / "store").build({"name": name, "settings": list(questions)}, write)

    return make


def _example(name: str, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    question = row.get("question", f"What is {number} + {number} in {name}?")
    response, form = row.get("response", f" It is {2 * number}."), row.get("form", "cot")
    return {
        **dict.fromkeys(EXAMPLES.names),
        "id": f"{name}/{number}",
        "source": name,
        "problem_id": f"{name}/p{number}",
        "problem": question,
        "messages": example_messages(question, response, form),
        "language": "en",
        "subject": "algebra",
        "form": form,
        "reference": str(2 * number),
        "reference_from": "source",
        "verification": "answer",
        **{key: value for key, value in row.items() if key not in ("question", "response")},
    }


def _problem(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(PROBLEMS.names), "benchmark": name, "split": "train", "language": "en", **row}
