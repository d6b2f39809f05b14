"""UltraChat 200k (Tunstall et al. 2023): filtered conversations of several turns, for the general part of DeepSeek LLM's mixture.

What is trained is the last answer; the turns before it belong to its prompt.
"""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="ultrachat_200k",
    title="UltraChat 200k",
    licence="MIT",
    files=("train_sft-*.parquet", "data/train_sft-*.parquet", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="HuggingFaceH4/ultrachat_200k",
        revision="8049631c405ae6576f93f445c6b8166f76f5505a",
        files=("data/train_sft-*.parquet",),
    ),
    rows=207_865,
    note="the row count is from memory",
    solutions=by_looking("ultrachat_200k", Known(form="chat", field="general")),
    example={
        "prompt": "Name a river in France.",
        "prompt_id": "0",
        "messages": [
            {"role": "user", "content": "Name a river in France."},
            {"role": "assistant", "content": "The Loire."},
            {"role": "user", "content": "And another?"},
            {"role": "assistant", "content": "The Rhône."},
        ],
    },
    example_reference="",
)
