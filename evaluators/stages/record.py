"""The recorded digests of all source closures, one line a stage: what a stage's code was when somebody last vouched for it.

Where the code has moved since, either its result changed, and its `version` is raised by hand; or it did not, and
`python -m evaluators.stages same-output` records that.
"""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from evaluators.stages.closure import PACKAGES, Sources

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path("evaluators/stages/recorded.txt")
SHOWN = 6
"""Moved definitions named in a message; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One line of the record."""

    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A stage whose line in the record is not what its code says now."""

    name: str
    version: str
    recorded: Recorded | None

    @property
    def is_raised(self) -> bool:
        """Whether its version says already that its result changed."""
        return self.recorded is not None and self.recorded.version != self.version


def recorded_in(root: Path) -> dict[str, Recorded]:
    """The lines of the record. A line that a merge left twice counts as none."""
    path = root / RECORD
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found: dict[str, list[Recorded]] = {}
    for line in lines:
        parts = line.split()
        if len(parts) == 3:
            found.setdefault(parts[0], []).append(Recorded(name=parts[0], version=parts[1], digest=parts[2]))
    return {name: same[0] for name, same in found.items() if len(same) == 1}


def current(root: Path) -> dict[str, Recorded]:
    """What the record would say now."""
    sources = Sources(root)
    return {
        stage.name: Recorded(name=stage.name, version=stage.version, digest=digest_of(sources.closure(stage)))
        for stage in sources.stages()
    }


def digest_of(closure: Mapping[str, str]) -> str:
    lines = "\n".join(f"{name} {digest}" for name, digest in sorted(closure.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def moved_stages(root: Path) -> list[Moved]:
    """Every stage whose code or version the record does not know."""
    before, now = recorded_in(root), current(root)
    return [
        Moved(name=name, version=line.version, recorded=before.get(name))
        for name, line in now.items()
        if before.get(name) != line
    ]


def write_record(root: Path, names: Sequence[str] = ()) -> list[str]:
    """Vouch for the named stages, or for all; stages that are gone lose their lines. Returns whose line changed."""
    before, now = recorded_in(root), current(root)
    kept = {name: line if not names or name in names else before.get(name) for name, line in now.items()}
    lines = [f"{line}\n" for _, line in sorted(kept.items()) if line is not None]
    (root / RECORD).write_text("".join(lines), encoding="utf-8")
    return [name for name, line in kept.items() if line != before.get(name)]


def said_of(moved: Moved, root: Path) -> str:
    """One sentence for a person: which stage, what moved, and the two remedies."""
    if moved.recorded is None:
        return (
            f"{moved.name}: expected a line in {RECORD}; found none. Record it: python -m evaluators.stages same-output"
        )
    if moved.is_raised:
        return (
            f"{moved.name}: its version went from {moved.recorded.version} to {moved.version}. Record it: "
            f"python -m evaluators.stages same-output {moved.name}"
        )
    return (
        f"{moved.name}: its code moved ({what_moved(moved, root)}) and its version is {moved.version} still. If it gives other "
        f"results now, raise the version in its Stage; if the same: python -m evaluators.stages same-output {moved.name}"
    )


def what_moved(moved: Moved, root: Path) -> str:
    """The definitions, files and libraries that differ from the commit that recorded the stage."""
    with tempfile.TemporaryDirectory(prefix="stages-") as folder:
        then = _sources_at_record(moved, root, Path(folder))
        before = {} if then is None else _closure_of(moved.name, then)
        if not before:
            return "since when, version control does not know"
        names = list(_differences(before, _closure_of(moved.name, Sources(root))))
    shown = ", ".join(names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _closure_of(name: str, sources: Sources) -> Mapping[str, str]:
    return next((sources.closure(stage) for stage in sources.stages() if stage.name == name), {})


def _differences(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            yield name if name in before and name in now else f"+{name}" if name in now else f"-{name}"


def _sources_at_record(moved: Moved, root: Path, folder: Path) -> Sources | None:
    """The sources of the commit that wrote the stage's line, laid down in a folder; None outside version control."""
    assert moved.recorded is not None
    found = _git(root, "log", "-1", "--format=%H", f"-S{moved.recorded}", "--", str(RECORD))
    commit = found.decode().strip() if found else ""
    archive = _git(root, "archive", commit, *PACKAGES, "pyproject.toml") if commit else None
    if archive is None:
        return None
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return Sources(folder)


def _git(root: Path, *words: str) -> bytes | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
