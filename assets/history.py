"""What Dagster's history says was made, remembered while its file stays untouched: asking Dagster means importing it first.

The memory is a JSON file beside the artifacts. It holds the size, times and inode of the event log's index, and the data
version of each asset (partition). Whatever writes to that index, as a run or a wipe in the UI, makes it void.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from evaluators.tables import atomic_file
from pipelines.steps import Key

INDEX = Path("history", "runs", "index.db")
"""Where Dagster's SQLite storage keeps its index of events, below its base folder."""
Recorded = Mapping[tuple[Key, str | None], str]
"""(asset, partition) -> the data version that the history holds as its last."""


def remembered(memory: Path) -> Recorded | None:
    """What the history held when `remember` was called; None where it has changed since, or may have."""
    stamp = state()
    try:
        kept = json.loads(memory.read_text(encoding="utf-8"))
        if stamp is None or kept["history"] != stamp:
            return None
        return {(tuple(key), partition): version for key, partition, version in kept["recorded"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(memory: Path, recorded: Recorded, before: object) -> None:
    """Keep what the history held; `before` is its `state` from before it was asked."""
    if before is None or before != state():
        return
    rows = [[list(key), partition, version] for (key, partition), version in sorted(recorded.items(), key=str)]
    memory.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(memory) as temporary:
        temporary.write_text(json.dumps({"history": before, "recorded": rows}), encoding="utf-8")


def state() -> list[object] | None:
    """What tells whether the history was written to; None where it is not kept in SQLite files of ours."""
    index = _index()
    if index is None:
        return None
    found: list[object] = []
    for path in (index, index.with_name(f"{index.name}-wal")):
        try:
            status = path.stat()
        except FileNotFoundError:
            if path == index:
                return None
            continue
        if status.st_size:  # an empty write-ahead log is made anew by whoever looks
            found += [str(path), status.st_size, status.st_mtime_ns, status.st_ino]
    return found


def _index() -> Path | None:
    try:
        settings = yaml.safe_load(Path(os.environ["DAGSTER_HOME"], "dagster.yaml").read_text(encoding="utf-8"))
        base = settings["storage"]["sqlite"]["base_dir"]
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        return None
    return Path(base, INDEX).absolute() if isinstance(base, str) else None
