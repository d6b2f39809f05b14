"""SkyThought's `results.json`: problem or its number -> its responses, by temperature or by sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._format import Format, ReadRow, Unpacked, given, verdict
from evaluators.outputs._spellings import QUESTIONS, REFERENCES, Spelling

KEY = "_skythought_key"


def recognises(row: Row) -> bool:
    return KEY in row or ("responses" in row and _inner(row["responses"]) is not None)


def _inner(value: Any) -> list[Mapping[str, Any]] | None:
    """The responses, each with content and correctness: by number, by temperature, or a list."""
    if isinstance(value, Mapping):
        values = [one for inner in value.values() for one in (inner if isinstance(inner, list) else [inner])]
    else:
        values = value if isinstance(value, list) else []
    fits = values and all(isinstance(one, Mapping) and "content" in one and "correctness" in one for one in values)
    return values if fits else None


def read(row: Row) -> ReadRow:
    responses = _inner(row["responses"]) or []
    spelling = Spelling({name: value for name, value in row.items() if name not in ("responses", KEY)})
    reference = spelling.first(REFERENCES)
    key = str(row.get(KEY, ""))
    asked = [one.value for one in spelling.all(QUESTIONS) if isinstance(one.value, str)]
    return ReadRow(
        responses=tuple(one["content"] for one in responses),
        questions=tuple(asked or ([key] if key and not key.isdigit() else [])),
        reference=None if reference is None else reference.value,
        id=key if key.isdigit() else None,
        id_is_place=True,
        verdicts=given({"correctness": tuple(verdict(one["correctness"]) for one in responses)}),
    )


def unpack(value: Any) -> Unpacked | None:
    if not isinstance(value, Mapping) or not value:
        return None
    if not all(isinstance(one, Mapping) and _inner(one.get("responses")) is not None for one in value.values()):
        return None
    return Unpacked(rows=[{KEY: key, **one} for key, one in value.items()])


FORMAT = Format(
    title="SkyThought",
    versions="0.0.1 and 0.1.0 (2025)",
    source="NovaSky-AI/SkyThought, skythought/evals/inference_and_check.py",
    recognises=recognises,
    read=read,
    unpack=unpack,
    example={
        "Compute $1+1$.": {
            "problem": "Compute $1+1$.",
            "answer": "2",
            "responses": {"0": {"content": "It is \\boxed{2}.", "correctness": True, "reason": ""}},
            "token_usages": {"0": {"completion_tokens": 5, "prompt_tokens": 4}},
        }
    },
    example_row=ReadRow(
        responses=("It is \\boxed{2}.",),
        questions=("Compute $1+1$.",),
        reference="2",
        id_is_place=True,
        verdicts={"correctness": (1.0,)},
    ),
)
