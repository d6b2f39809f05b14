"""Templated problems, one kind of each field, with one-line solutions: what a model of 135 M parameters can learn (see templated.py)."""

from __future__ import annotations

from evaluators.benchmarks.templated import templated_benchmark

BENCHMARK = templated_benchmark(
    "templated_easy",
    "Templated-easy",
    "en",
    easy=True,
    example={"question": "Solve for $x$: $3x + 4 = 19$.", "reference": "5", "subject": "algebra"},
)
