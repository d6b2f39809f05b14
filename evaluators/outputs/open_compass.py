"""OpenCompass: `predictions/<model>/<data set>[_<part>].json`, rows by number, and `results/` where it holds details."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._conversations import content_of
from evaluators.outputs._folders import of_one_model
from evaluators.outputs._format import Format, ReadRow, Unpacked, given, has, texts_of, verdicts_of
from evaluators.outputs._spellings import key_of

NUMBER = "_opencompass_number"


def recognises(row: Row) -> bool:
    predicted = has(row, "origin_prompt", "prediction") and (NUMBER in row or "gold" in row)
    return predicted or (NUMBER in row and has(row, "prompt", "origin_prediction"))


def read(row: Row) -> ReadRow:
    if "origin_prediction" in row:
        return _detail(row)
    prompt = row["origin_prompt"]
    gold = row.get("gold")
    return ReadRow(
        responses=texts_of(row["prediction"]),
        questions=tuple(_asked(prompt)),
        reference=gold[0] if isinstance(gold, list) and len(gold) == 1 else gold,
        id=None if NUMBER not in row else str(row[NUMBER]),
    )


def _detail(row: Row) -> ReadRow:
    """A row of `results/`, where details were dumped: what was extracted stands beside the output."""
    predicted = row.get("predictions", row.get("pred"))
    reference = row.get("references", row.get("answer"))
    correct = row.get("correct")
    return ReadRow(
        responses=texts_of(row["origin_prediction"]),
        questions=tuple(_asked(row["prompt"])),
        reference=reference[0] if isinstance(reference, list) and len(reference) == 1 else reference,
        id=str(row[NUMBER]),
        verdicts=given({"correct": verdicts_of(correct)}),
        extracted=() if predicted is None else texts_of(predicted),
    )


def _asked(prompt: Any) -> list[str]:
    """What the last turn of the person said; a prompt may be one text."""
    if isinstance(prompt, str):
        return [prompt]
    turns = [one for one in prompt or [] if isinstance(one, Mapping) and str(one.get("role")).upper() == "HUMAN"]
    return [content_of(one) for one in reversed(turns)]


def unpack(value: Any) -> Unpacked | None:
    if isinstance(value, Mapping) and isinstance(value.get("details"), Mapping):
        value = {key: one for key, one in value["details"].items() if str(key).isdigit()}
    if not isinstance(value, Mapping) or not value or not all(str(key).isdigit() for key in value):
        return None
    rows = [{NUMBER: key, **one} for key, one in value.items() if isinstance(one, Mapping)]
    return Unpacked(rows=rows) if len(rows) == len(value) and all(map(recognises, rows)) else None


def files(folder: Path, benchmark: str) -> list[Path]:
    """The parts of a data set's predictions, whose numbers each begin at 0."""
    found = [path for path in sorted(folder.rglob("*.json")) if "predictions" in path.relative_to(folder.parent).parts]
    wanted = key_of(benchmark)
    fitting = [path for path in found if key_of(path.stem).startswith(wanted)] or found
    parted = [path for path in fitting if re.search(r"_\d+$", path.stem)]
    return of_one_model(parted or fitting, lambda path: path.parent)


FORMAT = Format(
    title="OpenCompass",
    versions="0.2 to 0.5",
    source="open-compass/opencompass, opencompass/openicl/icl_inferencer/icl_base_inferencer.py",
    recognises=recognises,
    read=read,
    unpack=unpack,
    files=files,
    example={
        "0": {
            "origin_prompt": [{"role": "HUMAN", "prompt": "Question: How many legs have 3 dogs?\nAnswer:"}],
            "prediction": "3*4 = 12. The answer is 12.",
            "gold": "3*4=12\n#### 12",
        }
    },
    example_row=ReadRow(
        responses=("3*4 = 12. The answer is 12.",),
        questions=("Question: How many legs have 3 dogs?\nAnswer:",),
        reference="3*4=12\n#### 12",
        id="0",
    ),
)
