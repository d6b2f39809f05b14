"""A recipe's corpus, made step by step without Dagster, and what each step cost."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.recipe import Recipe
from pipelines.recipe_file import validate
from pipelines.recipe_graph import maker_of
from pipelines.steps import Key
from pipelines.storage import Artifact, References

SNAPSHOTS = ("CC-MAIN-2025-05", "CC-MAIN-2025-08", "CC-MAIN-2025-13")
GROUPS = ("crawl", "seed", "iteration_1", "iteration_2", "refresh", "benchmarks", "corpus")


def recipe_of(
    crawl: Path, snapshots: Sequence[str], grown_on: Sequence[str] = (), *, count: int = 2, **classifier: Any
) -> Recipe:
    """Some iterations over snapshots of a planted crawl that lie in folders."""
    content = {
        "name": "refreshed",
        "executor": {"kind": "local", "workers": 1},
        "crawl": {"folders": {name: str(crawl / name) for name in snapshots}},
        "seed": {"crawl": [{"prefix": "lemmaworks.example/notes"}]},
        "iterations": {"count": count, "grown_on": list(grown_on), "classifier": classifier},
        "benchmarks": {"templated_easy": {"name": "templated_easy", "limit": 20}},
        "mixture": {"sources": {"t": {"source": "templated", "rows": 20}}, "mixing": {"weights": {"t": 1.0}}},
    }
    recipe: Recipe = validate(crawl / "recipe.yaml", content, Recipe)
    return recipe


def cpu() -> float:
    """Seconds of this process and of all that it waited for."""
    own, below = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + below.ru_utime + below.ru_stime


def make_corpus(recipe: Recipe) -> tuple[dict[str, Artifact], dict[str, float]]:
    """The artifacts of the corpus by name, found or made, and the CPU seconds of each asset."""
    maker = maker_of(recipe, recipe.snapshots())
    references, made, spent = References(maker.store), dict[str, Artifact](), dict[str, float]()

    def lookup(key: Key, partition: str | None) -> Artifact:
        return made["/".join([*key, *([partition] if partition else [])])]

    for step in maker.graph.steps.values():
        if step.group not in GROUPS:
            continue
        before = cpu()
        for unit in maker.graph.units(step):
            name = step.reference(unit[0] if unit else None)
            made[name] = maker.make(step, unit, lookup)
            references.write(name, made[name])
        spent[step.name] = cpu() - before
    return made, spent
