"""simple-evals' `<evaluation>_<model>_allresults.json`: conversations without references, in the order of the examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._conversations import asked_of, is_conversation, said_in
from evaluators.outputs._format import Format, ReadRow, Unpacked

CONVERSATION = "_simple_evals_convo"


def recognises(row: Row) -> bool:
    return CONVERSATION in row


def read(row: Row) -> ReadRow:
    messages = row[CONVERSATION]
    return ReadRow(responses=(said_in(messages),), questions=tuple(asked_of(messages)))


def unpack(value: Any) -> Unpacked | None:
    """The examples are sampled, so their order is no id: a conversation is matched by its question."""
    convos = value.get("convos") if isinstance(value, Mapping) else None
    if not isinstance(convos, list) or not convos or not all(map(is_conversation, convos)):
        return None
    return Unpacked(rows=[{CONVERSATION: one} for one in convos])


FORMAT = Format(
    title="simple-evals",
    versions="2024 and 2025",
    source="openai/simple-evals, simple_evals.py",
    recognises=recognises,
    read=read,
    unpack=unpack,
    example={
        "score": 1.0,
        "metrics": {"score": 1.0},
        "htmls": ["<p></p>"],
        "convos": [
            [
                {"role": "user", "content": "Solve step by step.\n\nWhat is 5 squared?"},
                {"role": "assistant", "content": "Answer: 25"},
            ]
        ],
        "metadata": None,
    },
    example_row=ReadRow(responses=("Answer: 25",), questions=("Solve step by step.\n\nWhat is 5 squared?",)),
)
