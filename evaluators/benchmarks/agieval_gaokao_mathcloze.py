"""AGIEval, Gaokao mathematics, 118 blanks to fill (see agieval_math.py)."""

from __future__ import annotations

from evaluators.benchmarks.agieval_math import agieval_benchmark

BENCHMARK = agieval_benchmark(
    "gaokao-mathcloze",
    "AGIEval Gaokao-MathCloze",
    rows=118,
    language="zh",
    example={
        "passage": None,
        "question": "若 $2x=6$，则 $x=$ ____．",
        "options": None,
        "label": None,
        "answer": "3",
        "other": {"source": "示例"},
    },
    example_reference="3",
)
