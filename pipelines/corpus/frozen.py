"""What the last iteration learnt, by itself: the model, the margin down to which it recalled, and all decisions on prefixes.

With it a new snapshot is scored and recalled as the old ones were. Nothing is trained, and no domain is discovered: a page
enters because of what is known already. Growing the loop again (iterations.grown_on) is what finds the rest.

linear.npy, linear.json    the classifier, in the form that scores
decisions.jsonl            of all iterations; a later one replaces an earlier one on the same prefix
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.annotations import Decision, read_decisions
from pipelines.corpus.page_tables import CorpusError
from pipelines.corpus.recall import LOWEST, RecallSettings
from pipelines.figures import FrozenFacts, LoopFacts, RecallFacts
from pipelines.storage import Artifact, Json, atomic_file

MODEL = ("linear.npy", "linear.json")


class FrozenSettings(Settings):
    """Of each iteration what it recalled by."""

    recalls: tuple[RecallSettings, ...]


def write_frozen(
    folder: Path,
    settings: FrozenSettings,
    *,
    classifiers: Mapping[str, Artifact],
    recalled: Mapping[str, Artifact],
    annotations: Mapping[str, Artifact],
) -> dict[str, Json]:
    """Inputs are the iterations' artifacts by number. Raises CorpusError where none of them learnt anything."""
    numbers = sorted(classifiers, key=int)
    learnt = [number for number in numbers if not LoopFacts.of(classifiers[number]).converged]
    if not learnt:
        raise CorpusError("expected an iteration that trained a classifier; found none. Grow the corpus first.")
    last = learnt[-1]
    for name in MODEL:
        with atomic_file(folder / name) as temporary:
            shutil.copyfile(classifiers[last].file(name), temporary)
    decisions: dict[str, Decision] = {}
    for number in learnt:
        for decision in read_decisions(annotations[number].file("decisions.jsonl")):
            decisions.pop(decision.prefix, None)
            decisions[decision.prefix] = decision
    with atomic_file(folder / "decisions.jsonl") as temporary:
        lines = (json.dumps(asdict(decision), ensure_ascii=False) + "\n" for decision in decisions.values())
        temporary.write_text("".join(lines), encoding="utf-8")
    facts = RecallFacts.of(recalled[last])
    quality = {key: value for key, value in classifiers[last].facts.items() if key.startswith("held_out")}
    return {
        "converged": False,
        "iteration": int(last),
        "threshold": _threshold(settings.recalls[int(last) - 1], facts),
        "raised_languages": dict(facts.raised_languages),
        "decisions": len(decisions),
        **quality,
    }


FROZEN = Stage(
    name="frozen",
    version="1",
    write=write_frozen,
    settings=FrozenSettings,
    inputs=("classifiers/*", "recalled/*", "annotations/*"),
    facts=FrozenFacts,
    description="The last classifier, the margin down to which it recalled, and the decisions on prefixes: for new snapshots.",
    kinds=("fasttext", "jsonl"),
)


def _threshold(settings: RecallSettings, facts: RecallFacts) -> float:
    """The margin of the last page that a budget admitted; without a budget the threshold itself."""
    told = LOWEST if settings.threshold is None else settings.threshold
    if settings.token_budget is not None and facts.lowest_margin is not None:
        return max(told, facts.lowest_margin)
    return told
