"""Five rows in the layouts of public data sets: each is read right, or says why not in one line (layouts.json)."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.mixtures.source import SourceError, SourceSettings, check_source, read_solutions
from pipelines.mixtures.verification import Solution

CASES = json.loads((Path(__file__).parent / "layouts.json").read_text(encoding="utf-8"))["cases"]
NUMBERS = [(2, 3), (10, 4), (7, 9), (15, 21), (100, 1)]


def filled(value: Any, a: int, b: int) -> Any:
    """The value with numbers for %A%, %B% and %S%."""
    text = json.dumps(value, ensure_ascii=False)
    for mark, number in (("%A%", a), ("%B%", b), ("%S%", a + b)):
        text = text.replace(mark, str(number))
    return json.loads(text)


def write(path: Path, rows: Sequence[Mapping[str, Any]], shape: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    elif path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as out:
            table = csv.DictWriter(out, fieldnames=list(rows[0]))
            table.writeheader()
            table.writerows(rows)
    elif path.suffix == ".json" and shape != "lines":
        held = list(rows) if shape == "list" else {shape: list(rows), "Name": "of the set"}
        path.write_text(json.dumps(held, ensure_ascii=False, indent=2), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def settings_of(case: Mapping[str, Any], folder: Path) -> SourceSettings:
    rows = [filled(case["row"], a, b) for a, b in NUMBERS]
    return SourceSettings(
        source=case["source"], path=str(write(folder / case["file"], rows, case.get("shape", "list")))
    )


def said_by(solution: Solution) -> dict[str, Any]:
    problem = solution.problem
    return {
        "question": problem.question,
        "reference": problem.reference,
        "form": solution.form,
        "language": problem.language,
        "subject": problem.subject,
        "level": problem.level,
        "topic": solution.topic,
        "pass_rate": solution.pass_rate,
        "earlier": [f"{one.role}: {one.content}" for one in solution.earlier],
    }


@pytest.mark.parametrize("case", [case for case in CASES if "error" not in case], ids=lambda case: case["layout"])
def test_a_public_layout_is_read_right(case: Mapping[str, Any], tmp_path: Path) -> None:
    settings = settings_of(case, tmp_path)
    check_source(settings)
    found = list(read_solutions(settings))
    wanted = {key: case.get(key) for key in said_by(found[0])}
    wanted |= {"language": case.get("language", "en"), "earlier": case.get("earlier", [])}
    expected = [(filled(wanted, a, b), response) for a, b in NUMBERS for response in filled(case["responses"], a, b)]
    assert [(said_by(one), one.response) for one in found] == expected


@pytest.mark.parametrize("case", [case for case in CASES if "error" in case], ids=lambda case: case["layout"])
def test_what_is_no_training_data_says_why_before_the_run(case: Mapping[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SourceError) as told:
        check_source(settings_of(case, tmp_path))
    assert case["error"] in str(told.value)
    assert "\n" not in str(told.value)


def test_there_are_at_least_25_public_layouts() -> None:
    assert sum("error" not in case for case in CASES) >= 25
