"""One asset of a recipe's graph, without Dagster: which stage makes it, from which artifacts, with which settings.

`pipelines.recipe_graph` lists the steps of a recipe; `assets.stages` derives a Dagster asset from each, and `mathsieve run`
asks here what exists already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from evaluators.stages import ContentDigests, Stage
from evaluators.stages.identity import settings_identity
from pipelines.storage import Artifact, Json, Store

Key = tuple[str, ...]
"""Of an asset: `("iteration_1", "corpus")`."""
Cut = Literal["snapshot", "grown", "fresh", "benchmark", "benchmark_and_form"]
"""What the partitions of an asset are; of benchmark and form their keys are `gsm8k|cot`. Where a recipe names the snapshots
that its loop is grown on, those are `grown`, and the others `fresh`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One partition of another asset, whatever the partitions of the reader."""

    key: Key
    partition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """Those partitions of an asset cut by snapshot that another cut has."""

    key: Key
    cut: Cut


Source = Key | Part | Among | Mapping[str, Key]
"""Where an input comes from: an asset (of a cut one the reader's own partition, or all), one partition or those of another cut,
or several assets by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One asset."""

    stage: Stage
    key: Key
    group: str
    settings: object = None
    """The stage's settings record; where each partition has its own, a mapping by partition."""
    reads: Mapping[str, Source] = field(default_factory=dict)
    cut: Cut | None = None
    together: bool = False
    """One artifact for all partitions: they share something costly, as a server."""
    given: Callable[[Sequence[str]], Mapping[str, Json]] = lambda partitions: {}
    """What else decides the result, for some of the partitions."""
    aside: Mapping[str, Any] = field(default_factory=dict)
    """What the stage takes that decides nothing: where a cache lies."""
    pool: str | None = None
    description: str = ""
    """In place of the stage's, where several assets of one stage differ."""

    @property
    def name(self) -> str:
        return "/".join(self.key)

    def reference(self, partition: str | None) -> str:
        """As a run names an artifact: `iteration_1/corpus`, `pages/CC-MAIN-2024-10`, `base/grades/gsm8k.cot`."""
        return self.name if partition is None else f"{self.name}/{partition.replace('|', '.')}"

    def settings_of(self, partition: str | None) -> object:
        return self.settings[partition] if isinstance(self.settings, Mapping) and partition else self.settings

    def sources(self) -> Iterator[Key]:
        """The keys of all assets that it reads."""
        for source in self.reads.values():
            if isinstance(source, Mapping):
                yield from source.values()
            else:
                yield source.key if isinstance(source, Part | Among) else source


Lookup = Callable[[Key, str | None], Artifact]
"""(asset, its partition) -> the artifact it made last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The steps of a recipe in an order in which they can be made, and their partitions."""

    steps: Mapping[Key, Step]
    partitions: Mapping[Cut, Sequence[str]]

    def partitions_of(self, key: Key) -> Sequence[str | None]:
        cut = self.steps[key].cut
        return [None] if cut is None else self.partitions[cut]

    def units(self, step: Step) -> list[list[str]]:
        """What is made at once: a list of partitions for each artifact; an empty one for an asset without partitions."""
        if step.cut is None:
            return [[]]
        keys = list(self.partitions[step.cut])
        return [keys] if step.together else [[key] for key in keys]

    def inputs(
        self, step: Step, partitions: Sequence[str], lookup: Lookup
    ) -> dict[str, Artifact | dict[str, Artifact]]:
        """The artifacts that a step reads to make some partitions, by the names of its stage's inputs."""
        return {name: self._input(step, name, source, partitions, lookup) for name, source in step.reads.items()}

    def _input(
        self, step: Step, name: str, source: Source, partitions: Sequence[str], lookup: Lookup
    ) -> Artifact | dict[str, Artifact]:
        if isinstance(source, Part):
            return lookup(source.key, source.partition)
        if isinstance(source, Among):
            return {key: lookup(source.key, key) for key in self.partitions[source.cut]}
        if isinstance(source, Mapping):
            return {
                (part if key is None else f"{part}/{key}"): lookup(asset, key)
                for part, asset in source.items()
                for key in self.partitions_of(asset)
            }
        cut = self.steps[source].cut
        if cut is None:
            return lookup(source, None)
        if not step.stage.reads_many(name):
            return lookup(source, _projected(partitions[0], step.cut, cut))
        return {key: lookup(source, key) for key in self._read(source, step, partitions)}

    def _read(self, source: Key, step: Step, partitions: Sequence[str]) -> list[str]:
        """All partitions of a source; for a step that makes several at once those that belong to them."""
        cut = self.steps[source].cut
        assert cut is not None
        if not step.together:
            return list(self.partitions[cut])
        return sorted({_projected(partition, step.cut, cut) for partition in partitions})


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Makes the artifacts of steps, or finds them."""

    graph: Graph
    store: Store
    digests: ContentDigests
    executor: object = None
    """What stages that work by shards hand them to."""

    def identity(self, step: Step, partitions: Sequence[str], lookup: Lookup) -> dict[str, Json]:
        """What decides the bytes of one artifact of a step. Raises NamedFileError and what `lookup` raises."""
        settings, given = self._own(step, partitions), dict(step.given(partitions))
        identity: dict[str, Json] = {
            "name": artifact_name(step, partitions),
            "version": step.stage.version,
            "settings": settings_identity(settings, self.digests) if step.stage.settings is not None else None,
            "given": settings_identity(given, self.digests),
            "inputs": {key: one.content for key, one in flat(self._read(step, partitions, lookup)).items()},
        }
        if step.stage.conditions is not None:
            identity["conditions"] = step.stage.conditions(settings, **given)
        if step.stage.files is not None:
            files = step.stage.files(settings, **given, **step.aside)
            local = [path for _, path in files if path is not None]
            contents = dict(zip(local, self.digests.of_files(local), strict=True))
            identity["read_files"] = [[name, contents[path] if path is not None else None] for name, path in files]
        return identity

    def _read(self, step: Step, partitions: Sequence[str], lookup: Lookup) -> dict[str, Artifact | dict[str, Artifact]]:
        """The inputs of a step; of an artifact that holds all partitions, only the read one's files count as content."""

        def part(key: Key, partition: str | None) -> Artifact:
            artifact, pattern = lookup(key, partition), self.graph.steps[key].stage.part
            if pattern is None or partition is None:
                return artifact
            return replace(artifact, content=self.store.content_of(artifact, pattern(partition)))

        return self.graph.inputs(step, partitions, part)

    def make(self, step: Step, partitions: Sequence[str], lookup: Lookup) -> Artifact:
        """The artifact of some partitions of a step, found or made."""
        inputs = self.graph.inputs(step, partitions, lookup)
        given = {**inputs, **step.given(partitions), **step.aside}
        if step.stage.by_shards:
            given["executor"] = self.executor
        write = partial(step.stage.run, settings=self._own(step, partitions), given=given)
        return self.store.build(self.identity(step, partitions, lookup), write)

    def remark(self, step: Step, partitions: Sequence[str], artifact: Artifact) -> str | None:
        """What the stage has to say about what it made."""
        if step.stage.remark is None:
            return None
        figures = step.stage.facts.of(artifact)
        return step.stage.remark(figures, self._own(step, partitions), **step.given(partitions))

    def _own(self, step: Step, partitions: Sequence[str]) -> object:
        return step.settings_of(partitions[0] if partitions else None)


def artifact_name(step: Step, partitions: Sequence[str]) -> str:
    """The artifact's place in the store: the asset's key, and its partition."""
    if step.cut is None or step.together:
        return step.name
    return step.reference(partitions[0])


def flat(inputs: Mapping[str, Artifact | Mapping[str, Artifact]]) -> dict[str, Artifact]:
    """Inputs with those that are many named `pages/CC-MAIN-2025-05`."""
    found: dict[str, Artifact] = {}
    for name, value in inputs.items():
        found |= {f"{name}/{key}": one for key, one in value.items()} if isinstance(value, Mapping) else {name: value}
    return found


def _projected(partition: str, of: Cut | None, to: Cut) -> str:
    """The partition of a source that belongs to one of the reader: `gsm8k|cot` reads the problems of `gsm8k`."""
    return partition.partition("|")[0] if (of, to) == ("benchmark_and_form", "benchmark") else partition
