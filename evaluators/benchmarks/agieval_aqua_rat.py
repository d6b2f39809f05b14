"""AGIEval, AQuA-RAT: 254 word problems with five choices (see agieval_math.py)."""

from __future__ import annotations

from evaluators.benchmarks.agieval_math import agieval_benchmark

BENCHMARK = agieval_benchmark(
    "aqua-rat",
    "AGIEval AQuA-RAT",
    rows=254,
    example={
        "passage": None,
        "question": "A train goes 60 miles in an hour. How far in 90 minutes?",
        "options": ["(A)60", "(B)80", "(C)90", "(D)100", "(E)120"],
        "label": "C",
        "answer": None,
        "other": None,
    },
    example_reference="C",
)
