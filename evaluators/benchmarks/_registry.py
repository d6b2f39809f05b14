"""Benchmarks are found by their files: no second list to keep."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from pathlib import Path

from evaluators.benchmarks._benchmark import Benchmark, BenchmarkError


@cache
def _found() -> dict[str, Benchmark]:
    modules = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if not m.name.startswith("_"))
    found = [importlib.import_module(f"evaluators.benchmarks.{name}").BENCHMARK for name in modules]
    return {one.name: one for one in found}


def names() -> list[str]:
    """Names of all benchmarks, sorted."""
    return sorted(_found())


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name; case and `-`/`_` do not matter. Raises BenchmarkError, naming the closest."""
    key = name.strip().lower().replace("-", "_")
    for candidate in (key, key.replace("_", "")):
        if candidate in _found():
            return _found()[candidate]
    close = difflib.get_close_matches(key, names(), 1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names())}"
    raise BenchmarkError(f"benchmark {name!r} is not known; {hint}")
