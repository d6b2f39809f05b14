"""Benchmarks, one file each, found by this folder: a new file with a `BENCHMARK` is a new benchmark."""

from evaluators.benchmarks._benchmark import Benchmark, BenchmarkError, Row, Split
from evaluators.benchmarks._loading import (
    PROBLEMS_STAGE,
    BenchmarkSettings,
    check_benchmark,
    load_problems,
    problems_digest,
    problems_file,
    write_problems,
)
from evaluators.benchmarks._own import benchmark_of
from evaluators.benchmarks._registry import benchmark, names

__all__ = [
    "PROBLEMS_STAGE",
    "Benchmark",
    "BenchmarkError",
    "BenchmarkSettings",
    "Row",
    "Split",
    "benchmark",
    "benchmark_of",
    "check_benchmark",
    "load_problems",
    "names",
    "problems_digest",
    "problems_file",
    "write_problems",
]
