"""The declaration of a stage. It stands beside its `write_x` and says all that the graph needs to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from evaluators.stages.facts import Facts

ReadFile = tuple[str, Path | None]
"""The name under which the result knows a file, and where its content lies; None for a published one, which stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One kind of work: `write(folder, settings, *, <inputs>, <given>)` fills a folder and returns its figures."""

    name: str
    """The last part of its asset's key; a stage that stands in the graph several times gets a key for each."""
    version: str
    """Raised by a person when the same inputs give another result (`python -m evaluators.stages` watches over it)."""
    write: Callable[..., Mapping[str, Any]]
    description: str
    """What a person reads beside its assets."""
    kinds: tuple[str, ...]
    """What Dagster labels its assets with."""
    inputs: tuple[str, ...] = ()
    """Artifacts it reads, by the name of the argument. `pages/*`: many, a mapping by name or partition. `planted_crawl?`: none in some recipes."""
    settings: type[BaseModel] | None = None
    facts: type[Facts] = Facts
    """The figures it leaves, checked when it ends and whenever they are read."""
    by_shards: bool = False
    """Whether it takes `executor`, and hands its work to it shard by shard."""
    arguments: Callable[..., Mapping[str, Any]] | None = None
    """(settings, **everything) -> the arguments of `write`, where it does not take inputs and settings as they are."""
    files: Callable[..., Sequence[ReadFile]] | None = None
    """(settings, **given) -> files it reads that no setting names one by one: their content is part of the identity."""
    conditions: Callable[..., Mapping[str, Any]] | None = None
    """(settings, **given) -> what of this machine decides the result, such as the version of a server: part of the identity."""
    part: Callable[[str], str] | None = None
    """Of a stage whose one artifact holds all partitions: (partition) -> pattern of the files that belong to it. Whoever reads
    one partition depends on those files alone."""
    remark: Callable[..., str | None] | None = None
    """(figures, settings, **given) -> a line for whoever watches the run, where there is something to say."""

    def reads_many(self, name: str) -> bool:
        return f"{name}/*" in self.inputs

    @property
    def input_names(self) -> list[str]:
        return [name.removesuffix("/*").removesuffix("?") for name in self.inputs]

    def run(self, folder: Path, settings: object, given: Mapping[str, Any]) -> dict[str, Any]:
        """Fill a folder. `given` holds inputs and whatever else the graph hands it. Raises FactsError."""
        taken = dict(given) if self.arguments is None else dict(self.arguments(settings, **given))
        if self.settings is not None:
            taken.setdefault("settings", settings)
        figures = dict(self.write(folder, **taken))
        self.facts.checked(figures, folder)
        return figures
