"""Templated problems, the same in Chinese (see templated.py)."""

from __future__ import annotations

from evaluators.benchmarks.templated import templated_benchmark

BENCHMARK = templated_benchmark(
    "templated_zh",
    "Templated-zh",
    "zh",
    easy=False,
    example={"question": "解方程：$3x + 4 = 19$。", "reference": "5", "subject": "algebra"},
)
