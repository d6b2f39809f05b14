"""lm-evaluation-harness with `--log_samples`: `samples_<task>_<time>.jsonl`, one line a document and answer filter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._conversations import strings_in
from evaluators.outputs._folders import newest_of_each, of_one_model
from evaluators.outputs._format import Format, Missing, ReadRow, Unpacked, given, verdicts_of
from evaluators.outputs._spellings import QUESTIONS, Spelling, key_of

FILE = re.compile(r"samples_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT[\d.:-]+)\.jsonl")


def recognises(row: Row) -> bool:
    return "doc_id" in row and ("resps" in row or "filtered_resps" in row)


def read(row: Row) -> ReadRow:
    doc = row.get("doc")
    doc = doc if isinstance(doc, Mapping) else {}
    resps = row["resps"] if row.get("resps") else row.get("filtered_resps")
    if _log_likelihoods(resps):
        raise Missing("expected generated text; found log-likelihoods of choices, which hold none")
    responses = tuple(_flat(resps))
    asked = [one.value for one in Spelling(doc).all(QUESTIONS) if isinstance(one.value, str)]
    filtered = tuple(_flat(row.get("filtered_resps")))
    return ReadRow(
        responses=responses or (None,),
        questions=tuple(asked + list(strings_in(row.get("arguments")))),
        reference=row.get("target"),
        id=str(row["doc_id"]),
        id_is_place=True,
        published=doc or None,
        verdicts=row.get("_verdicts") or _verdicts(row, len(responses)),
        extracted=filtered if len(filtered) == len(responses) and "_verdicts" not in row else (),
        extracted_by=row.get("_extracted") or {},
        answers_only=not row.get("resps"),
    )


def gather(rows: list[tuple[str, Row]]) -> list[tuple[str, Row]]:
    """One row a document: each answer filter writes it again, with its own verdict on the same responses."""
    kept: dict[Any, tuple[str, dict[str, Any]]] = {}
    filters = {str(row.get("filter")) for _, row in rows}
    for place, row in rows:
        key = (place.rpartition(", ")[0], str(row["doc_id"]), row.get("doc_hash"), str(row.get("doc")))
        if len(filters) == 1:
            kept[place] = place, dict(row)
            continue
        _, first = kept.setdefault(key, (place, {**row, "_verdicts": {}, "_extracted": {}}))
        count = len(list(_flat(row.get("resps") or row.get("filtered_resps"))))
        found = _verdicts(row, count, str(row.get("filter")))
        first["_verdicts"] |= found
        if len(filtered := tuple(_flat(row.get("filtered_resps")))) == count:
            first["_extracted"] |= dict.fromkeys(found, filtered)
    return list(kept.values())


def _verdicts(row: Row, count: int, answers: str = "") -> dict[str, tuple[float | None, ...]]:
    """Of a document; with several responses it is on the first, unless its filter votes over all of them."""
    name = answers if answers else row.get("filter")
    if count > 1 and re.search(r"maj|vote", str(name)):
        return {}
    label = f" ({name})" if answers else ""
    found = {f"{metric}{label}": row[metric] for metric in _metrics(row) if metric in row}
    return given({metric: (*verdicts_of(value), *[None] * (count - 1)) for metric, value in found.items() if count})


def _metrics(row: Row) -> list[str]:
    listed = row.get("metrics")
    return [str(name) for name in (listed if isinstance(listed, list) else ("exact_match", "math_verify", "acc"))]


def unpack(value: Any) -> Unpacked | None:
    """lm-eval's own result object, as `simple_evaluate` returns it: task -> samples."""
    samples = value.get("samples") if isinstance(value, Mapping) else None
    if not isinstance(samples, Mapping):
        return None
    rows = [row for task in samples.values() if isinstance(task, list) for row in task]
    return Unpacked(rows=rows) if rows and all(isinstance(row, Mapping) and recognises(row) for row in rows) else None


def tasks(path: Path) -> dict[str, list[Path]]:
    """The newest samples of each task. Raises OutputsError where they are of several models."""
    found = [path] if path.is_file() else sorted(path.rglob("samples_*.jsonl"))
    named = {one: match["task"] for one in found if (match := FILE.fullmatch(one.name))}
    newest = newest_of_each(named, lambda one: (one.parent, named[one]))
    return {named[one]: [one] for one in of_one_model(newest, lambda one: one.parent)}


def files(folder: Path, benchmark: str) -> list[Path]:
    """The newest samples of the task that is the benchmark, or of those that are its parts."""
    found, wanted = tasks(folder), key_of(benchmark)
    exact = [task for task in found if key_of(task) == wanted]
    partial = [task for task in found if wanted in key_of(task)]
    return [path for task in exact or partial or found for path in found[task]]


def _flat(value: Any) -> list[str | None]:
    if isinstance(value, list):
        return [text for inner in value for text in _flat(inner)]
    return [] if value is None else [str(value)]


def _log_likelihoods(value: Any) -> bool:
    """Pairs of a number and whether it was the greedy choice, as a task of multiple choice has."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    pairs = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    while pairs and isinstance(pairs[0], list) and len(pairs[0]) == 1:
        pairs = [pair[0] for pair in pairs]
    return all(
        isinstance(pair, list)
        and len(pair) == 2
        and str(pair[1]) in ("True", "False")
        and isinstance(pair[0], (int, float, str))
        and str(pair[0]).lstrip("-").replace(".", "", 1).split("e")[0].isdigit()
        for pair in pairs
    )


FORMAT = Format(
    title="lm-eval",
    versions="0.4.0 to 0.4.13",
    source="EleutherAI/lm-evaluation-harness, lm_eval/loggers/evaluation_tracker.py",
    recognises=recognises,
    read=read,
    gather=gather,
    unpack=unpack,
    files=files,
    tasks=tasks,
    example={
        "samples": {
            "gsm8k": [
                {
                    "doc_id": 4,
                    "doc": {"question": "Mia has 3 pens and buys 2. How many?", "answer": "3+2=5\n#### 5"},
                    "target": "3+2=5\n#### 5",
                    "arguments": {"gen_args_0": {"arg_0": "Question: Mia has 3 pens and buys 2. How many?\nAnswer:"}},
                    "resps": [["She has 3+2=5 pens.\n#### 5"]],
                    "filtered_resps": ["5"],
                    "filter": "strict-match",
                    "metrics": ["exact_match"],
                    "doc_hash": "8f1c",
                    "exact_match": 1.0,
                }
            ]
        }
    },
    example_row=ReadRow(
        responses=("She has 3+2=5 pens.\n#### 5",),
        questions=(
            "Mia has 3 pens and buys 2. How many?",
            "Question: Mia has 3 pens and buys 2. How many?\nAnswer:",
        ),
        reference="3+2=5\n#### 5",
        id="4",
        id_is_place=True,
        published={"question": "Mia has 3 pens and buys 2. How many?", "answer": "3+2=5\n#### 5"},
        verdicts={"exact_match": (1.0,)},
        extracted=("5",),
    ),
)
