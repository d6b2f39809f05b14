"""AGIEval, SAT mathematics: 220 choices of four (see agieval_math.py)."""

from __future__ import annotations

from evaluators.benchmarks.agieval_math import agieval_benchmark

BENCHMARK = agieval_benchmark(
    "sat-math",
    "AGIEval SAT-Math",
    rows=220,
    example={
        "passage": "",
        "question": "If 2x = 10, what is x?",
        "options": ["(A)4", "(B)5", "(C)6", "(D)7"],
        "label": "B",
        "answer": None,
        "other": None,
    },
    example_reference="B",
)
