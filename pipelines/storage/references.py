"""Which artifact each asset (partition) made last: `<root>/refs/<asset>.json`, or `refs/<asset>/<partition>.json`."""

from __future__ import annotations

import json

from pipelines.storage.artifact import Artifact
from pipelines.storage.faults import StorageError
from pipelines.storage.store import Store

REFERENCES = "refs"
RUN_AGAIN = "Run `mathsieve run` again: it finds what is whole, and makes the rest."


class References:
    """The references of one root, by name: `iteration_1/corpus`, `pages/CC-MAIN-2024-10`."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def names(self) -> list[str]:
        """All there are, sorted."""
        found = self.store.root.sizes(REFERENCES)
        return sorted(name.removesuffix(".json") for name in found if name.endswith(".json"))

    def has(self, name: str) -> bool:
        """Whether there is one of that name, whole or not."""
        try:
            self.store.root.read(_key(name))
        except FileNotFoundError:
            return False
        return True

    def write(self, name: str, artifact: Artifact) -> None:
        """Whole: whoever reads meanwhile finds the old or the new one. What it named before, of other content, stays known."""
        reference: dict[str, object] = {
            "name": artifact.name,
            "path": self.store.key(artifact),
            "content": artifact.content,
        }
        before = self._reference(name)
        if before.get("content") == artifact.content:
            reference |= {"before": before["before"]} if "before" in before else {}
        elif "content" in before:
            reference["before"] = {key: before[key] for key in ("path", "content") if key in before}
        self.store.root.replace(_key(name), json.dumps(reference, indent=1).encode())

    def before(self, name: str) -> Artifact | None:
        """What it named before, of other content than now; None where there was none, or where that is gone."""
        before = self._reference(name).get("before")
        path = before.get("path") if isinstance(before, dict) else None
        if not isinstance(path, str) or not self.store.exists(path):
            return None
        return self.store.open(path)

    def _reference(self, name: str) -> dict[str, object]:
        """What the reference says; nothing where there is none, or it is damaged."""
        try:
            found = json.loads(self.store.root.read(_key(name)).decode("utf-8"))
        except (FileNotFoundError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def target(self, name: str) -> str:
        """The key of the artifact that it names. Raises StorageError where it was never written or is damaged."""
        where = self.store.root.shown(_key(name))
        try:
            path = json.loads(self.store.root.read(_key(name)).decode("utf-8"))["path"]
        except FileNotFoundError as error:
            raise StorageError(
                where=where,
                expected=f"the reference of {name}",
                found="none: it was never materialized",
                remedy="Materialize it first, or run `mathsieve run` on the recipe.",
            ) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StorageError(
                where=where,
                expected="a reference with a path",
                found=f"{type(error).__name__}: {error}",
                remedy=RUN_AGAIN,
            ) from error
        if not isinstance(path, str):
            raise StorageError(where=where, expected="a reference with a path", found=repr(path), remedy=RUN_AGAIN)
        return path

    def read(self, name: str) -> Artifact:
        """The artifact that it names. Raises StorageError where that is gone or damaged."""
        key = self.target(name)
        if not self.store.exists(key):
            raise StorageError(
                where=self.store.root.shown(_key(name)),
                expected=f"a finished artifact at {self.store.root.shown(key)}",
                found="none: it was removed",
                remedy=RUN_AGAIN,
            )
        return self.store.open(key)


def _key(name: str) -> str:
    return f"{REFERENCES}/{name}.json"
