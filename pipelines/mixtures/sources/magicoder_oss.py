"""Magicoder-OSS-Instruct-75K (Wei et al. 2023): programming tasks made from snippets, for the code part of DeepSeek LLM's mixture."""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="magicoder_oss",
    title="Magicoder-OSS-Instruct-75K",
    licence="MIT",
    files=("data-oss_instruct-decontaminated.jsonl", "*.jsonl", "*.parquet"),
    hub=Hub(
        dataset="ise-uiuc/Magicoder-OSS-Instruct-75K",
        revision="",
        files=("*.jsonl",),
    ),
    rows=75_197,
    note="no commit of it is known here: a recipe names one in `revision`; licence and row count are from memory",
    solutions=by_looking(
        "magicoder_oss",
        Known(columns={"question": "problem", "response": "solution", "subject": "lang"}, form="chat", field="code"),
    ),
    example={
        "lang": "python",
        "raw_index": 1,
        "index": 1,
        "seed": "def f(x):",
        "openai_fingerprint": "none",
        "problem": "Write a function that doubles a number.",
        "solution": "```python\ndef twice(x):\n    return 2 * x\n```",
    },
    example_reference="",
)
