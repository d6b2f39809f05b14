"""What a source is, and what a recipe says of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from evaluators.records import Language, Settings
from evaluators.stages.fields import NamesFiles
from pipelines.example_text import ExampleForm
from pipelines.mixtures.response_text import Thinking
from pipelines.mixtures.source_files import HUB, Hub, Row
from pipelines.mixtures.verification import Solution, VerificationSettings

ANNOTATED = "annotated"
"""The teacher's solutions, as one more source of the mixture."""


class SourceSettings(Settings):
    """One source of a recipe's mixture."""

    source: str
    """Name of a file in pipelines/mixtures/sources."""
    path: NamesFiles[str | None] = None
    """File, folder that holds it, or `hub:OWNER/NAME`; None reads the source's own data set from the hub."""
    revision: str | None = None
    """Commit of the data set; None takes the one that the source pins."""
    files: tuple[str, ...] = ()
    """Patterns of the files to read, in the folder or the data set; none named: the source's own."""
    rows: int | None = Field(default=None, gt=0)
    """At most this many problems, the first ones."""
    forms: tuple[ExampleForm, ...] = Field(default=get_args(ExampleForm), min_length=1)
    form: ExampleForm | None = None
    """Of every solution, where a file does not say and looking at its text would be wrong: `chat` for conversations."""
    language: Language | None = None
    """None keeps the source's own; generated sources take English for None."""
    templates: Literal["all", "easy", "school"] = "all"
    """For `templated`: every kind of the benchmarks, the five with one-line solutions, or those of school mathematics as well."""
    seed: int = 0
    """For generated sources; the split never depends on it."""
    columns: Mapping[str, str] = Field(default_factory=dict)
    """For `jsonl`, where looking at its rows finds the wrong columns: our names (question, response, reference, ...) to the
    file's."""
    thinking: Thinking = "drop"
    """What becomes of `<think>...</think>` in responses; a response that was cut inside it is no solution."""
    references: Literal["given", "solution"] = "solution"
    """`solution`: where a source gives no answer, the one that its own solution boxes or announces is the reference."""
    tolerated_broken_share: float = Field(default=0.01, ge=0, le=1)
    """Share of rows that may be broken before the stage raises instead of leaving them out; the ledger names each."""
    verification: VerificationSettings = VerificationSettings()

    def named_files(self, name: str) -> Sequence[Path] | None:
        """Those of the source's own in the folder; a generated source reads none, and a data set is known by its commit."""
        from pipelines.mixtures.source_reading import local_files

        if name != "path":
            return super().named_files(name)
        return None if self.path is None or self.path.startswith(HUB) else local_files(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source, defined once in a file of sources/ as `SOURCE`."""

    name: str
    title: str
    licence: str
    solutions: Callable[[Row, int, SourceSettings], Iterable[Solution]]
    """(row, its index, settings) -> the problem's solutions. Raises KeyError or ValueError on a foreign row."""
    example: Row
    """A row as the source writes it, of our own making, which the contract test parses."""
    example_reference: str
    files: tuple[str, ...] = ()
    """Names (or glob patterns) under which a folder may hold it, the usual one first; empty for generated sources."""
    hub: Hub | None = None
    """None: on no hub under a name that we know; then it needs a path."""
    rows: int | None = None
    """Rows of the split as published; None: not stated."""
    examples: int | None = None
    """Solutions in them, where a row has another number than one; None: as many as rows, or not stated."""
    note: str = ""
    """What of the above is not confirmed by its card, or is to be known of it."""
    generate: Callable[[SourceSettings], Iterable[Solution]] | None = None
    check: Callable[[], object] | None = None
    """Raises SourceError where something that `generate` needs is not there."""
    judge: Callable[[str, str], bool | None] | None = None
    """(id of a problem, answer) -> whether the source's own verifier takes it; None for problems of others."""
