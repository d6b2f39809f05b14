"""ZeroEval: a list of sessions, each with the data set's own columns; references of GSM8K stand there as `# 18`."""

from __future__ import annotations

from evaluators.benchmarks import Row
from evaluators.outputs._format import Format, ReadRow, has, texts_of
from evaluators.outputs._spellings import QUESTIONS, REFERENCES, Spelling

OWN = (
    "session_id",
    "chat_history",
    "model_input",
    "output",
    "generator",
    "configs",
    "dataset",
    "reasoning",
    "solution",
)


def recognises(row: Row) -> bool:
    return has(row, "session_id", "chat_history", "output", "generator")


def read(row: Row) -> ReadRow:
    spelling = Spelling({name: value for name, value in row.items() if name not in OWN})
    reference = spelling.first(REFERENCES)
    asked = [one.value for one in spelling.all(QUESTIONS) if isinstance(one.value, str)]
    history = [text for text in reversed(row["chat_history"] or []) if isinstance(text, str)]
    return ReadRow(
        responses=texts_of(row["output"]),
        questions=(*asked, *history),
        reference=None if reference is None else reference.value,
        id=str(row["session_id"]),
    )


FORMAT = Format(
    title="ZeroEval",
    versions="2024 and 2025",
    source="yuchenlin/ZeroEval, src/unified_utils.py, save_outputs",
    recognises=recognises,
    read=read,
    example={
        "session_id": "gsm8k-test-5",
        "chat_history": [
            "## Question: Tom has 2 cats and buys 1. How many cats has he? ## Instruction: answer in JSON."
        ],
        "model_input": "n/a",
        "output": ['{"reasoning": "2+1=3", "answer": "3"}'],
        "generator": "some-model",
        "configs": {"engine": "openai", "temperature": 0},
        "dataset": "gsm",
        "question": "Tom has 2 cats and buys 1. How many cats has he?",
        "answer": "# 3",
    },
    example_row=ReadRow(
        responses=('{"reasoning": "2+1=3", "answer": "3"}',),
        questions=(
            "Tom has 2 cats and buys 1. How many cats has he?",
            "## Question: Tom has 2 cats and buys 1. How many cats has he? ## Instruction: answer in JSON.",
        ),
        reference="# 3",
        id="gsm8k-test-5",
    ),
)
