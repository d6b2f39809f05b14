"""Any JSON, Parquet or CSV file, or any data set of the hub (`path: hub:OWNER/NAME`): read by looking at its rows.

A recipe's `columns` say where looking finds the wrong ones.
"""

from __future__ import annotations

from pipelines.mixtures.found_solutions import by_looking
from pipelines.mixtures.source_definition import Source

SOURCE = Source(
    name="jsonl",
    title="Rows of any layout",
    licence="as the file's",
    files=("*.jsonl", "*.jsonl.gz", "*.parquet", "*.json", "*.csv", "data/*.parquet"),
    solutions=by_looking("jsonl"),
    example={"question": "What is 2 + 2?", "response": "It is $\\boxed{4}$.", "reference": "4", "form": "cot"},
    example_reference="4",
)
