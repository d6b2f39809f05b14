"""lighteval's details: `details_<task>_<time>.parquet`, of today and of before 0.10."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._format import Format, ReadRow, given, has, texts_of, verdict


def recognises(row: Row) -> bool:
    today = isinstance(row.get("doc"), Mapping) and isinstance(row.get("model_response"), Mapping)
    return today or has(row, "example", "full_prompt", "predictions", "gold")


def read(row: Row) -> ReadRow:
    if "model_response" not in row:
        return _before(row)
    doc, response = row["doc"], row["model_response"]
    index, choices = doc.get("gold_index"), doc.get("choices") or []
    if isinstance(index, list):
        index = index[0] if index else None
    metric = row.get("metric") or {}
    return ReadRow(
        responses=texts_of(response.get("text")) or (None,),
        questions=tuple(str(doc[name]) for name in ("original_query", "query") if doc.get(name)),
        reference=choices[index] if isinstance(index, int) and index < len(choices) else None,
        id=None if doc.get("id") is None else str(doc["id"]),
        verdicts=_verdicts(metric, len(texts_of(response.get("text")))),
    )


def _before(row: Row) -> ReadRow:
    gold = row["gold"]
    responses = texts_of(row["predictions"])
    return ReadRow(
        responses=responses or (None,),
        questions=(str(row["example"]), str(row["full_prompt"])),
        reference=gold[0] if isinstance(gold, list) and gold else gold,
        verdicts=_verdicts(row.get("metrics") or {}, len(responses)),
    )


def _verdicts(metrics: Mapping[str, Any], count: int) -> dict[str, tuple[float | None, ...]]:
    """Of a document: with several responses a metric is over all of them, and no verdict on one."""
    return given({name: (verdict(value),) for name, value in metrics.items()}) if count == 1 else {}


FORMAT = Format(
    title="lighteval",
    versions="0.6 to 0.12",
    source="huggingface/lighteval, src/lighteval/logging/info_loggers.py",
    recognises=recognises,
    read=read,
    example={
        "doc": {"query": "Q: What is 9 less 4?\nA:", "choices": ["5"], "gold_index": [0], "id": "3", "task_name": "t"},
        "model_response": {"text": ["It is 5."], "input": "Q: What is 9 less 4?\nA:"},
        "metric": {"extractive_match": 1},
    },
    example_row=ReadRow(
        responses=("It is 5.",),
        questions=("Q: What is 9 less 4?\nA:",),
        reference="5",
        id="3",
        verdicts={"extractive_match": (1.0,)},
    ),
)
