"""AGIEval, Gaokao mathematics, 351 choices of four (see agieval_math.py)."""

from __future__ import annotations

from evaluators.benchmarks.agieval_math import agieval_benchmark

BENCHMARK = agieval_benchmark(
    "gaokao-mathqa",
    "AGIEval Gaokao-MathQA",
    rows=351,
    language="zh",
    example={
        "passage": None,
        "question": "若 $x+1=3$，则 $x=$ ( )",
        "options": ["(A)1", "(B)2", "(C)3", "(D)4"],
        "label": "B",
        "answer": None,
        "other": None,
    },
    example_reference="B",
)
