"""The whole corpus, from a planted crawl to the export: `python chain.py ROOT EXECUTOR`, the executor as JSON.

A program of its own, so that a test can give it another hash seed and another executor. The stages are those of a recipe,
made as a run makes them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from evaluators.stages import ContentDigests
from pipelines.evaluate_command import make_all
from pipelines.recipe import Recipe
from pipelines.recipe_graph import graph_of
from pipelines.steps import Graph, Key, Maker
from pipelines.storage import Artifact, Store

EXPORT: Key = ("math_corpus",)
RECIPE: dict[str, Any] = {
    "name": "chain",
    "planted": {
        "scale": 0.15,
        "snapshots": ["CC-MAIN-2025-05", "CC-MAIN-2025-08"],
        "leaks": 12,
        "leaked_benchmarks": ["templated_easy"],
    },
    "seed": {"crawl": [{"prefix": "lemmaworks.example/notes"}]},
    "iterations": {"count": 1, "classifier": {"dim": 8, "ngrams": 2, "bucket": 20_000, "least_updates": 4_000}},
    "benchmarks": {"templated_easy": {"name": "templated_easy", "limit": 60}},
    "mixture": {"sources": {"none": {"source": "templated"}}, "mixing": {"weights": {"none": 1.0}}},
}


def corpus_of(root: str, executor: dict[str, Any]) -> Artifact:
    """The exported corpus; everything it was made of stays in `root`."""
    recipe = Recipe.model_validate({**RECIPE, "executor": executor})
    graph = graph_of(recipe, recipe.snapshots())
    with tempfile.TemporaryDirectory() as scratch:
        digests = ContentDigests(Path(scratch) / "digests.sqlite")
        maker = Maker(graph=_upstream(graph, EXPORT), store=Store(root), digests=digests, executor=recipe.executor)
        return make_all(maker)[EXPORT, None]


def _upstream(graph: Graph, key: Key) -> Graph:
    """The part of a graph that an asset is made from, and itself."""
    wanted, new = {key}, [key]
    while new:
        new = [source for one in new for source in graph.steps[one].sources() if source not in wanted]
        wanted |= set(new)
    return Graph(steps={one: step for one, step in graph.steps.items() if one in wanted}, partitions=graph.partitions)


if __name__ == "__main__":
    corpus = corpus_of(sys.argv[1], json.loads(sys.argv[2]))
    print(corpus.facts)
