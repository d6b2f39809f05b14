"""evalscope: `reviews/<model>/<benchmark>_<subset>.jsonl` of any age, and the `predictions/` beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._conversations import asked_of, chat_texts, content_of, said_in
from evaluators.outputs._folders import of_one_model
from evaluators.outputs._format import Format, ReadRow, given, verdict
from evaluators.outputs._spellings import QUESTIONS, Spelling, key_of


def recognises(row: Row) -> bool:
    return "index" in row and (
        isinstance(row.get("sample_score"), Mapping)
        or isinstance(row.get("model_output"), Mapping)
        or (isinstance(row.get("choices"), list) and "raw_input" in row)
    )


def read(row: Row) -> ReadRow:
    if isinstance(row.get("sample_score"), Mapping):
        return _review(row)
    return _prediction(row) if isinstance(row.get("model_output"), Mapping) else _first_review(row)


def _review(row: Row) -> ReadRow:
    """From 1.0 on: `sample_score`, with `input` and a text as target at first, with messages and a list today."""
    scored = row["sample_score"]
    score = scored.get("score") or {}
    messages = row.get("messages") or []
    target = row.get("target")
    group = scored.get("group_id")
    return ReadRow(
        responses=(said_in(messages) or score.get("prediction") or None,),
        questions=tuple(_asked(row, messages)),
        reference=target[0] if isinstance(target, list) and target else target,
        id=str(row["index"] if group is None else group),
        sample=None if scored.get("generation_index") is None else str(scored["generation_index"]),
        verdicts=given({name: (verdict(value),) for name, value in (score.get("value") or {}).items()}),
        extracted=() if score.get("extracted_prediction") is None else (str(score["extracted_prediction"]),),
    )


def _asked(row: Row, messages: list[Any]) -> list[str]:
    given_input = row.get("input")
    metadata = (row.get("sample_score") or {}).get("sample_metadata") or row.get("metadata") or {}
    within = [one.value for one in Spelling(metadata).all(QUESTIONS) if isinstance(one.value, str)]
    return within + asked_of(messages) + ([given_input] if isinstance(given_input, str) else [])


def _prediction(row: Row) -> ReadRow:
    return ReadRow(
        responses=tuple(chat_texts(row["model_output"])),
        questions=tuple(_asked(row, row.get("messages") or [])),
        id=str(row["index"]),
    )


def _first_review(row: Row) -> ReadRow:
    """Before 1.0: choices, each with its review, beside the source's own row."""
    reviews = [choice.get("review") or {} for choice in row["choices"]]
    raw = row["raw_input"] if isinstance(row["raw_input"], Mapping) else {}
    return ReadRow(
        responses=tuple(content_of(choice["message"]) for choice in row["choices"]),
        questions=tuple(one.value for one in Spelling(raw).all(QUESTIONS) if isinstance(one.value, str)),
        reference=next((review["gold"] for review in reviews if review.get("gold") is not None), None),
        id=str(row["index"]),
        published=raw or None,
        verdicts=given({"result": tuple(verdict(review.get("result")) for review in reviews)}),
        extracted=tuple(str(review.get("pred")) for review in reviews if review.get("pred") is not None),
    )


def files(folder: Path, benchmark: str) -> list[Path]:
    """The reviews of the benchmark's subsets; its predictions where it was not reviewed."""
    wanted = key_of(benchmark)
    for kind in ("reviews", "predictions"):
        found = [path for path in sorted(folder.rglob("*.jsonl")) if kind in path.relative_to(folder.parent).parts]
        fitting = [path for path in found if key_of(path.name).startswith(wanted)] or found
        if fitting:
            return of_one_model(fitting, lambda path: path.parent)
    return []


FORMAT = Format(
    title="evalscope",
    versions="0.5 to 1.14",
    source="modelscope/evalscope, evalscope/api/evaluator/cache.py",
    recognises=recognises,
    read=read,
    files=files,
    example={
        "index": 2,
        "target": ["9"],
        "messages": [
            {"role": "user", "content": "A box holds 4 pens. Ann has 2 boxes and a pen. How many pens has she?"},
            {"role": "assistant", "content": "2*4+1 = 9. \\boxed{9}"},
        ],
        "agent_trace": None,
        "sample_score": {
            "score": {"value": {"acc": 1.0}, "extracted_prediction": "9", "prediction": "2*4+1 = 9. \\boxed{9}"},
            "sample_id": 2,
            "group_id": 2,
            "generation_index": 0,
            "sample_metadata": {},
        },
    },
    example_row=ReadRow(
        responses=("2*4+1 = 9. \\boxed{9}",),
        questions=("A box holds 4 pens. Ann has 2 boxes and a pen. How many pens has she?",),
        reference="9",
        id="2",
        sample="0",
        verdicts={"acc": (1.0,)},
        extracted=("9",),
    ),
)
