"""Magicoder-Evol-Instruct-110K (Wei et al. 2023): programming instructions made harder, for the code part of DeepSeek LLM's mixture."""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="magicoder_evol",
    title="Magicoder-Evol-Instruct-110K",
    licence="Apache-2.0",
    files=("data-evol_instruct-decontaminated.jsonl", "*.jsonl", "*.parquet"),
    hub=Hub(
        dataset="ise-uiuc/Magicoder-Evol-Instruct-110K",
        revision="",
        files=("*.jsonl",),
    ),
    rows=111_183,
    note="no commit of it is known here: a recipe names one in `revision`; licence and row count are from memory",
    solutions=by_looking(
        "magicoder_evol", Known(columns={"question": "instruction", "response": "response"}, form="chat", field="code")
    ),
    example={
        "instruction": "Write a Python function that returns the last character of a word.",
        "response": "```python\ndef last(word):\n    return word[-1]\n```",
    },
    example_reference="",
)
