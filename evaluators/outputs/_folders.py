"""Which files of a folder make one evaluation."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

from evaluators.outputs._files import OutputsError
from evaluators.outputs._format import formats

TABLES = (".jsonl", ".json", ".parquet", ".csv", ".jsonl.gz", ".jsonl.zst")


def files_of(folder: Path, benchmark: str) -> list[Path]:
    """The files of one evaluation of the benchmark. Raises OutputsError where they cannot be told."""
    for one in formats().values():
        if one.files is not None and (found := one.files(folder, benchmark)):
            return found
    found = sorted(path for path in folder.iterdir() if path.name.lower().endswith(TABLES))
    if found and all(path.stem.isdigit() for path in found):  # verl's dumps
        return one_step(found)
    numbered = {re.sub(r"\d+", "#", path.name) for path in found}
    if len(found) == 1 or (len(numbered) == 1 and found):
        return found
    held = ", ".join(path.name for path in found[:8]) or "no JSON Lines, JSON, Parquet or CSV"
    raise OutputsError(
        f"{folder}: expected the outputs of one evaluation: what a known tool writes, one file, or files whose names "
        f"differ in a number; found {held}. Name one of the files."
    )


def newest_of_each(paths: Iterable[Path], key: Callable[[Path], Hashable]) -> list[Path]:
    """Of the files with one key the last by name, which holds the time."""
    newest: dict[Hashable, Path] = {}
    for path in sorted(paths, key=lambda path: path.name):
        newest[key(path)] = path
    return sorted(newest.values())


def of_one_model(paths: list[Path], model: Callable[[Path], Hashable]) -> list[Path]:
    """The files, where they are one model's. Raises OutputsError."""
    models = sorted({str(model(path)) for path in paths})
    if len(models) > 1:
        raise OutputsError(
            f"expected the outputs of one model; found those of {len(models)}: {', '.join(models[:6])}. Name one of these "
            "folders."
        )
    return paths


def one_step(paths: list[Path]) -> list[Path]:
    """The one file of a folder with a file a training step. Raises OutputsError where there are several."""
    if len(paths) > 1:
        raise OutputsError(
            f"{paths[0].parent}: expected the outputs of one model; found those of {len(paths)} training steps, "
            f"{paths[0].name} to {paths[-1].name}. Name one of the files."
        )
    return paths
