"""Versions of what programs find imported: a result of SymPy's may differ from one version to the next."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version


def package_versions(preload: Sequence[str]) -> dict[str, str]:
    """Distribution -> version of the modules named, of those that are installed under their own name."""
    return dict(_versions(tuple(dict.fromkeys(name.partition(".")[0] for name in preload))))


@cache
def _versions(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    found = []
    for name in names:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)
