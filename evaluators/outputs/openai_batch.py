"""The results of OpenAI's Batch API, of chat, completion and response requests."""

from __future__ import annotations

from collections.abc import Mapping

from evaluators.benchmarks import Row
from evaluators.outputs._conversations import chat_texts
from evaluators.outputs._format import Format, ReadRow
from evaluators.outputs._spellings import QUESTIONS, REFERENCES, Spelling


def recognises(row: Row) -> bool:
    response = row.get("response")
    answered = isinstance(response, Mapping) and "body" in response
    return "custom_id" in row and (answered or bool(row.get("error")))


def read(row: Row) -> ReadRow:
    """The request is in another file: where nobody put question or reference beside it, the id must say which it is."""
    response = row.get("response") or {}
    body = response.get("body") if isinstance(response, Mapping) else None
    texts = tuple(chat_texts(body))
    error = row.get("error") or (body.get("error") if isinstance(body, Mapping) else None)
    spelling = Spelling({name: value for name, value in row.items() if name not in ("response", "error", "id")})
    reference = spelling.first(REFERENCES)
    return ReadRow(
        responses=texts,
        questions=tuple(one.value for one in spelling.all(QUESTIONS) if isinstance(one.value, str)),
        reference=None if reference is None else reference.value,
        id=str(row["custom_id"]),
        failure=str(error)[:200] if error else None,
    )


FORMAT = Format(
    title="OpenAI batch",
    versions="the Batch API of 2024 to 2026",
    source="platform.openai.com, guides/batch, the output file",
    recognises=recognises,
    read=read,
    example={
        "id": "batch_req_1",
        "custom_id": "gsm8k/test/3",
        "response": {
            "status_code": 200,
            "request_id": "req_1",
            "body": {
                "object": "chat.completion",
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "It is 4."}}],
            },
        },
        "error": None,
    },
    example_row=ReadRow(responses=("It is 4.",), id="gsm8k/test/3"),
)
