"""Verdicts on URL prefixes: by a person, a rule or a model, in one file that says who decided what, why and when.

A person's file lives outside the artifacts, under version control; its content belongs to the fingerprint of the
stage. It holds one JSON object a line:

    {"prefix": "mathoverflow.net/questions", "verdict": "math", "by": "person", "who": "Ada", "why": "...", "when": "2026-05-04"}

A person's verdict always wins, also over everything below its prefix, and what it covers is never asked again. A
later line of the file replaces an earlier one on the same prefix.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from evaluators.intervals import wilson
from evaluators.records import Settings
from evaluators.stages import Stage
from evaluators.stages.fields import HowItRuns
from pipelines.corpus.page_tables import CorpusError
from pipelines.corpus.seed import is_under
from pipelines.figures import LoopFacts
from pipelines.storage import Artifact, Json, atomic_file

Verdict = Literal["math", "other", "undecided"]
VERDICTS = ("math", "other", "undecided")
By = Literal["person", "model", "rule"]
BY = ("person", "model", "rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One verdict on one URL prefix."""

    prefix: str
    verdict: Verdict
    by: By
    who: str
    """A person's name, a model's, or the rule's."""
    why: str
    when: str = ""
    """Date, ISO 8601; empty for rules and models, whose verdicts must not change from day to day."""


class RuleSettings(Settings):
    """Share and support. The share counts what a classifier found, which misses much: it is held to a bound of its
    uncertainty, and formulas in the HTML, which no classifier was taught, count as a second witness."""

    # Half of a seed-like site is found at first: a third is plenty, if formulas are there at all. Without any, manuals
    # look like those of mathematical software, and word problems like stories: then most must have been found.
    accept_share: float = Field(default=0.35, gt=0, le=1)
    least_formulas: float = Field(default=0.1, ge=0, le=1)
    plain_share: float = Field(default=0.8, gt=0, le=1)
    support: int = Field(default=5, ge=1)  # collected pages
    witness_share: float = Field(default=0.1, gt=0, le=1)  # enough where `witness_formulas` agree
    witness_formulas: float = Field(default=0.25, gt=0, le=1)  # share of the pages that carry formulas


class ModelSettings(Settings):
    """Any OpenAI-compatible endpoint."""

    base_url: str
    model: str
    api_key_variable: HowItRuns[str | None] = None  # name of an environment variable
    timeout: HowItRuns[float] = 60.0  # seconds
    attempts: HowItRuns[int] = Field(default=3, ge=1)


class AnnotationSettings(Settings):
    """Who is asked, in this order, about a prefix on which no person has decided."""

    decisions: Path | None = None  # the persons' file; their first review makes it
    annotators: tuple[Literal["rule", "model"], ...] = ("rule",)
    rule: RuleSettings = RuleSettings()
    model: ModelSettings | None = None

    def named_files(self, name: str) -> Sequence[Path] | None:
        named = super().named_files(name)
        return None if named is None else [path for path in named if path.exists()]

    def model_post_init(self, _: object) -> None:
        if "model" in self.annotators and self.model is None:
            raise ValueError(
                "expected model settings (base_url, model), since `model` is among the annotators; found none"
            )


Annotator = Callable[[Mapping[str, Json]], Decision]
"""From a proposal of domains.py to a decision."""


def write_annotations(
    folder: Path,
    settings: AnnotationSettings,
    *,
    domains: Artifact,
    decisions: Path | None = None,
    model: Annotator | None = None,
) -> dict[str, Json]:
    """Fill `folder` with decisions.jsonl and waiting.jsonl (proposals that wait for a person, with their evidence).

    `model` stands in for the endpoint of the settings. Raises CorpusError where the persons' file has a bad line.
    """
    reviewed = read_decisions(decisions) if decisions is not None and decisions.exists() else []
    if LoopFacts.of(domains).converged:
        _write(folder, [], [])
        return {"decisions": 0, "waiting": 0, "converged": True}
    annotators = [_annotator(name, settings, model) for name in settings.annotators]
    made, waiting = list(reviewed), []
    for proposal in read_proposals(domains):
        if verdict_on(proposal["prefix"], reviewed) is not None:
            continue
        decision = _first_verdict(annotators, proposal)
        made.append(decision)
        if decision.verdict == "undecided":
            waiting.append(proposal | {"asked": decision.why})
    _write(folder, made, waiting)
    verdicts = Counter(f"{decision.verdict}_by_{decision.by}" for decision in made)
    return {"decisions": len(made), "waiting": len(waiting), "converged": False, **dict(sorted(verdicts.items()))}


ANNOTATIONS = Stage(
    name="annotations",
    version="2",
    write=write_annotations,
    arguments=lambda settings, **others: {"decisions": settings.decisions, **others},
    settings=AnnotationSettings,
    inputs=("domains",),
    facts=LoopFacts,
    description="URL prefixes judged by a person, a rule or a model, each with who decided and why. A person's verdict wins.",
    kinds=("jsonl",),
)


def read_proposals(domains: Artifact) -> list[dict[str, Json]]:
    lines = domains.file("prefixes.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_decisions(path: Path) -> list[Decision]:
    """A decisions file; the last line on a prefix counts. Raises CorpusError that names file, line and remedy."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise CorpusError(f"{path}: expected a file of decisions; found: {error.strerror}. Check the path.") from error
    found: dict[str, Decision] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            decision = Decision(**row)
        except (json.JSONDecodeError, TypeError, RecursionError) as error:
            raise CorpusError(
                f"{path}:{number}: expected a JSON object with prefix, verdict, by, who, why and when; found "
                f"{line[:80]!r} ({error}). Mend the line or remove it."
            ) from error
        if not _is_sound(decision):
            raise CorpusError(
                f"{path}:{number}: expected text only, with a prefix, a verdict of {', '.join(VERDICTS)}, and by: "
                f"{', '.join(BY)}; found {line[:80]!r}. Mend the line or remove it."
            )
        found.pop(decision.prefix, None)
        found[decision.prefix] = decision
    return list(found.values())


def _is_sound(decision: Decision) -> bool:
    """Whether a decision that was read holds what its types promise."""
    texts = all(isinstance(value, str) for value in asdict(decision).values())
    return texts and decision.verdict in VERDICTS and decision.by in BY and bool(decision.prefix.strip("/ "))


def verdict_on(place: str, decisions: Iterable[Decision]) -> Decision | None:
    """The decision that holds for a place: a person's before any other, then that with the longest prefix."""
    above = [d for d in decisions if d.verdict != "undecided" and is_under(place, d.prefix)]
    return max(above, key=lambda d: (d.by == "person", len(d.prefix)), default=None)


def by_rule(settings: RuleSettings) -> Annotator:
    """Mathematics where enough of a prefix was collected; undecided where that cannot be told."""

    def annotate(proposal: Mapping[str, Json]) -> Decision:
        pages, collected, formulas = proposal["pages"], proposal["collected"], proposal["with_formulas"]
        share = wilson(collected, pages)
        why = f"{collected} of {pages} pages collected (95 %: {share.low:.0%} to {share.high:.0%}), {formulas} carry formulas"
        witnessed = share.low >= settings.witness_share and formulas >= settings.witness_formulas * pages
        likely = share.low >= settings.accept_share and formulas >= settings.least_formulas * pages
        enough = collected >= settings.support and (likely or witnessed or share.low >= settings.plain_share)
        verdict: Verdict = "math" if enough else "undecided"
        return Decision(prefix=proposal["prefix"], verdict=verdict, by="rule", who="share and support", why=why)

    return annotate


def _annotator(name: str, settings: AnnotationSettings, model: Annotator | None) -> Annotator:
    if name == "rule":
        return by_rule(settings.rule)
    if model is not None:
        return model
    assert settings.model is not None  # AnnotationSettings checks it
    from pipelines.corpus.model_annotator import by_model

    return by_model(settings.model)


def _first_verdict(annotators: Sequence[Annotator], proposal: Mapping[str, Json]) -> Decision:
    decision = Decision(
        prefix=proposal["prefix"], verdict="undecided", by="rule", who="nobody", why="no annotator is set"
    )
    for annotate in annotators:
        decision = annotate(proposal)
        if decision.verdict != "undecided":
            break
    return decision


def _write(folder: Path, decisions: Sequence[Decision], waiting: Sequence[Mapping[str, Json]]) -> None:
    for name, rows in (("decisions", [asdict(decision) for decision in decisions]), ("waiting", waiting)):
        with atomic_file(folder / f"{name}.jsonl") as temporary:
            temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
