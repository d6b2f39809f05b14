"""The declaration of a stage. It stands beside its `write_x` and says all that the graph needs to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from evaluators.stages.facts import Facts


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
    """(settings, **inputs, **given) -> the arguments of `write`, where it does not take the artifacts themselves."""
    files: Callable[..., Any] | None = field(default=None)
    """(settings, **given) -> files it reads of which no setting names each: their content is part of the identity."""

    def reads_many(self, name: str) -> bool:
        return f"{name}/*" in self.inputs

    @property
    def input_names(self) -> list[str]:
        return [name.removesuffix("/*").removesuffix("?") for name in self.inputs]
