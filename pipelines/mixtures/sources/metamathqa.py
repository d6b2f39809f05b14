"""MetaMathQA (Yu et al. 2023): GSM8K and MATH train questions, rephrased, inverted and answered again.

It gives no references; a solution ends with `#### 4` and `The answer is: 4`. `original_question` is of no use here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.response_text import boxed_statement
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import Hub, Row
from pipelines.mixtures.verification import Solution

HASHES = re.compile(r"\n####[^\n]*(?=\nThe answer is)")
read = by_looking(
    "metamathqa",
    Known(
        columns={"question": "query", "response": "response", "subject": "type"},
        written=lambda text: boxed_statement(HASHES.sub("", text)),
    ),
)


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    """Its statement of the answer is the solution's own, whichever way it is written."""
    for solution in read(row, index, settings):
        yield replace(solution, problem=replace(solution.problem, reference=""))


SOURCE = Source(
    name="metamathqa",
    title="MetaMathQA",
    licence="MIT",
    files=("MetaMathQA-395K.json", "MetaMathQA*.json", "*.json", "*.parquet"),
    hub=Hub(
        dataset="meta-math/MetaMathQA",
        revision="aa4f34d3d2d3231299b5b03d9b3e5a20da45aa18",
        files=("MetaMathQA-395K.json",),
    ),
    rows=395_000,
    solutions=solutions,
    example={
        "type": "GSM_Rephrased",
        "query": "How many pencils are in 6 boxes that hold 4 each?",
        "original_question": "A box holds 4 pencils. How many pencils are in 6 boxes?",
        "response": "6 boxes hold 6 * 4 = 24 pencils.\n#### 24\nThe answer is: 24",
    },
    example_reference="",
)
