"""NeMo Gym's rollouts, and lines that hold an object of OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._conversations import asked_of, is_conversation, is_response_output, response_output
from evaluators.outputs._format import Format, ReadRow, given, verdict
from evaluators.outputs._spellings import IDS, QUESTIONS, REFERENCES, Spelling

OWN = ("responses_create_params", "response", "output", "reward", "object", "text", "reasoning", "metadata", "usage")
"""Columns that are the API's, not the problem's."""


def recognises(row: Row) -> bool:
    return _body(row) is not None and "custom_id" not in row


def _body(row: Row) -> Mapping[str, Any] | None:
    """The object of the Responses API in a row, or that the row is."""
    for body in (row.get("response"), row):
        if isinstance(body, Mapping) and (
            is_response_output(body.get("output")) or (body.get("object") == "response" and "output" in body)
        ):
            return body
    return None


def read(row: Row) -> ReadRow:
    body = _body(row)
    assert body is not None  # `recognises` holds
    parameters = row.get("responses_create_params") or {}
    inner = row.get("verifier_metadata")
    rest = {**(inner if isinstance(inner, Mapping) else {}), **row}
    spelling = Spelling({name: value for name, value in rest.items() if name not in OWN})
    reference, identity = spelling.first(REFERENCES), spelling.first(IDS)
    index = row.get("_ng_task_index")
    return ReadRow(
        responses=(response_output(body.get("output") or []),),
        questions=(*_texts([one.value for one in spelling.all(QUESTIONS)]), *_asked(parameters.get("input"))),
        reference=None if reference is None else reference.value,
        id=str(index) if index is not None else None if body is row or identity is None else str(identity.value),
        sample=None if row.get("_ng_rollout_index") is None else str(row["_ng_rollout_index"]),
        verdicts=given({"reward": (verdict(row.get("reward")),)}),
        extracted=() if row.get("extracted_answer") is None else (str(row["extracted_answer"]),),
        failure=str(body["error"])[:200] if body.get("error") else None,
    )


def _asked(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return asked_of(value) if is_conversation(value) else []


def _texts(values: list[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


FORMAT = Format(
    title="NeMo Gym or OpenAI Responses",
    versions="NeMo Gym 0.1 and 0.2; the Responses API of 2025 and 2026",
    source="NVIDIA-NeMo/Gym, nemo_gym/rollout_collection.py",
    recognises=recognises,
    read=read,
    example={
        "_ng_task_index": 3,
        "_ng_rollout_index": 1,
        "responses_create_params": {"input": [{"role": "user", "content": "What is $2^5$?"}]},
        "response": {
            "id": "resp_1",
            "object": "response",
            "output": [
                {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Doubling."}]},
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "So $\\boxed{32}$.", "annotations": []}],
                },
            ],
        },
        "expected_answer": "32",
        "extracted_answer": "32",
        "reward": 1.0,
    },
    example_row=ReadRow(
        responses=("So $\\boxed{32}$.",),
        questions=("What is $2^5$?",),
        reference="32",
        id="3",
        sample="1",
        verdicts={"reward": (1.0,)},
        extracted=("32",),
    ),
)
