"""What of a recipe exists already and what a run would make, each with the reason; nothing is made and Dagster is not asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from evaluators.errors import MathsieveError
from evaluators.stages.identity import Difference, differences
from pipelines.steps import Key, Lookup, Maker, Step
from pipelines.storage import Artifact, Json, References, StorageError, UnreadableManifest

State = Literal["found", "to be made", "unknown"]


class NotMadeYet(MathsieveError):
    """An input of an asset is to be made first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One artifact of a recipe: an asset, or one of its partitions, or all of them where they are made together."""

    step: Step
    partitions: tuple[str, ...]
    state: State
    artifact: Artifact | None = None
    why: tuple[Difference, ...] = ()
    """What differs from the artifact that was made last."""
    said: str = ""
    """The reason in words, where it is no difference: never made, an input to be made first, a file that is not there."""

    @property
    def reason(self) -> str:
        return self.said or ", ".join(map(str, self.why))

    def as_json(self) -> dict[str, Json]:
        why = [{"kind": one.kind, "what": one.what} for one in self.why]
        partitions = list(self.partitions)
        return {
            "asset": self.step.name,
            "partitions": partitions,
            "state": self.state,
            "why": why,
            "reason": self.reason,
        }


def standings(maker: Maker) -> Iterator[Standing]:
    """How every artifact of the graph stands, in an order in which they can be made."""
    found: dict[tuple[Key, str | None], Artifact] = {}

    def lookup(key: Key, partition: str | None) -> Artifact:
        if (key, partition) not in found:
            name = "/".join([*key, *([partition] if partition else [])])
            raise NotMadeYet(f"input {name} is to be made first; where it comes out the same, this is found")
        return found[(key, partition)]

    for step in maker.graph.steps.values():
        units = maker.graph.units(step)
        if not units:
            yield Standing(step=step, partitions=(), state="unknown", said="its partitions cannot be listed")
        for partitions in units:
            standing = _standing(maker, step, tuple(partitions), lookup)
            if standing.artifact is not None:
                found |= {(step.key, one): standing.artifact for one in named(partitions)}
            yield standing


def _standing(maker: Maker, step: Step, partitions: tuple[str, ...], lookup: Lookup) -> Standing:
    try:
        identity = maker.identity(step, partitions, lookup)
        artifact = maker.store.find(identity)
    except NotMadeYet as waiting:
        return Standing(step=step, partitions=partitions, state="to be made", said=str(waiting))
    except MathsieveError as error:
        return Standing(step=step, partitions=partitions, state="unknown", said=str(error))
    if artifact is not None:
        return Standing(step=step, partitions=partitions, state="found", artifact=artifact)
    before, said = _made_last(References(maker.store), step, partitions)
    changed = tuple(differences(before, identity)) if before else ()
    return Standing(step=step, partitions=partitions, state="to be made", why=changed, said="" if changed else said)


def _made_last(references: References, step: Step, partitions: tuple[str, ...]) -> tuple[Mapping[str, Json], str]:
    """What decided the artifact that was made last, where that can be read; and how that one stands, in words."""
    name = step.reference(partitions[0] if partitions else None)
    if not references.has(name):
        return {}, "never made"
    try:
        target = references.target(name)
    except StorageError:
        return {}, "the reference to the one made last is damaged"
    try:
        return references.store.manifest(target).identity, "made before and gone"
    except UnreadableManifest:
        return (
            {},
            f"the manifest of the one made last is damaged ({references.store.root.shown(target)}): it is set aside",
        )
    except StorageError:
        aside = "set aside (mathsieve verify --repair)" if references.store.was_set_aside(target) else "gone"
        return {}, f"made before and {aside}"


def last_made(maker: Maker) -> Lookup:
    """Finds the artifact that an asset made last, by its reference. Raises StorageError where there is none."""
    references = References(maker.store)
    return lambda key, partition: references.read(maker.graph.steps[key].reference(partition))


def named(partitions: Sequence[str]) -> list[str | None]:
    """The partitions of a unit; of an asset without partitions the one that has no name."""
    return list(partitions) or [None]


@dataclass(slots=True)
class Current:
    """Which artifacts are there, are referred to, and stand in the history with their data version: nothing is left to do.

    Asked in the graph's order, while assets are being made: those that depend on one that is not current are not either.
    """

    maker: Maker
    recorded: Mapping[tuple[Key, str | None], str]
    """(asset, partition) -> the data version that Dagster's history holds."""
    _behind: set[Key] = field(default_factory=set)
    """Assets that were found not to be current, and may not have been made since."""

    def everything(self) -> bool:
        """Whether nothing is to be done at all."""
        graph = self.maker.graph
        return all(self.holds(step, unit) for step in graph.steps.values() for unit in graph.units(step))

    def holds(self, step: Step, partitions: Sequence[str]) -> bool:
        """Whether nothing is to be done for these partitions of a step."""
        current = self._behind.isdisjoint(step.sources()) and self._is_whole(step, partitions)
        if not current:
            self._behind.add(step.key)
        return current

    def made(self, keys: Iterable[Key]) -> None:
        """These were made: what depends on them is asked for anew."""
        self._behind -= set(keys)

    def _is_whole(self, step: Step, partitions: Sequence[str]) -> bool:
        try:
            artifact = self.maker.store.find(self.maker.identity(step, partitions, last_made(self.maker)))
            if artifact is None:
                return False
            key = self.maker.store.key(artifact)
            references = References(self.maker.store)
            return all(
                self.recorded.get((step.key, one)) == artifact.content and references.target(step.reference(one)) == key
                for one in named(partitions)
            )
        except MathsieveError:  # told by the run itself, in its place
            return False
