"""Sources of the mixture, one file each, found by this folder: a new file with a `SOURCE` is a new source."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from pathlib import Path

from pipelines.mixtures.source import Source, SourceError


@cache
def _found() -> dict[str, Source]:
    modules = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    found = [importlib.import_module(f"{__name__}.{name}").SOURCE for name in modules]
    return {source.name: source for source in found}


def source_names() -> list[str]:
    """Names of all sources, sorted."""
    return sorted(_found())


def source_named(name: str) -> Source:
    """The source of that name. Raises SourceError, naming the closest."""
    if name in _found():
        return _found()[name]
    close = difflib.get_close_matches(name, source_names(), 1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(source_names())}"
    raise SourceError(f"source {name!r} is not known; {hint}")


def judged_by_source(problem: str, answer: str | None) -> bool | None:
    """Whether the verifier of the source that made a problem takes an answer; None where it has none, or there is no answer."""
    source = _found().get(problem.split("/", 1)[0])
    return None if source is None or source.judge is None or answer is None else source.judge(problem, answer)
