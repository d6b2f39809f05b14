"""Sources become one mixture: by parts, each question once in each form, without any problem of a benchmark.

<folder>/examples-00000.parquet     EXAMPLES, in an order that depends on ids and the seed alone; the second copy of an example that
                                    repeats has `#2` after its id
<folder>/contamination.jsonl        every example that was left out because it gives away a benchmark problem
"""

from __future__ import annotations

import hashlib
import json
import pickle
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, get_args

import pyarrow.parquet as pq
from pydantic import Field, field_validator, model_validator

from evaluators.leaks.settings import Rewording, RewordingSettings
from evaluators.progress import report_progress
from evaluators.records import Language, Problem, Settings
from evaluators.stages import Stage
from pipelines.example_text import VERIFIED, ExampleForm, example_text
from pipelines.figures import MixtureFacts
from pipelines.mixtures.parts import TOLERANCE, Dials, PartSettings, amounts, check_parts
from pipelines.mixtures.parts import MixtureError as MixtureError
from pipelines.mixtures.problem_fields import Classified, classified
from pipelines.mixtures.source import write_rows
from pipelines.mixtures.source_definition import ANNOTATED
from pipelines.records import EXAMPLES
from pipelines.storage import Artifact, Json, atomic_file

if TYPE_CHECKING:
    from evaluators.leaks.questions import BenchmarkQuestions

SHARD = 50_000
"""Examples of an output shard, which are what is held in memory at once."""


class MixtureSettings(Settings):
    """What the mixture consists of."""

    weights: Mapping[str, float] = Field(default_factory=dict)
    """Share of each source (by its name in the recipe) among the examples; they sum to 1.0. The short way to say parts."""
    parts: tuple[PartSettings, ...] = ()
    """Parts by source, form, language, field and topic, each by count, epochs, weight or temperature (parts.py)."""
    rows: int | None = Field(default=None, gt=0)
    """Examples in all; None takes as many as the weights allow before a source runs out. The paper has 776 K."""
    paper_rows: int | None = Field(default=None, gt=0)
    """What the paper says of the whole, for the table of `mathsieve run --list`."""
    temperature: float = Field(default=1.0, gt=0)
    """Of parts without an amount: 1 takes them as large as they are, more brings them nearer to each other."""
    repeats: int = Field(default=1, ge=1)
    """How often an example may stand in the mixture at most, where its part asks for more than there are."""
    forms: tuple[ExampleForm, ...] = Field(default=get_args(ExampleForm), min_length=1)
    languages: tuple[Language, ...] = Field(default=("en", "zh"), min_length=1)
    solutions_per_question: int = Field(default=1, ge=1)
    """Different solutions in one form to one question, over all sources; several are what RFT-like mixtures want."""
    only_verified: bool = False
    """Leaves out what no reference could confirm (programs without one, solutions taken unseen)."""
    ngram: int | None = Field(default=10, ge=3)  # §2.1: "a 10-gram string that matches exactly"
    """Also leaves out questions that share this many consecutive words with a benchmark question; None: does not."""
    matches: tuple[Rewording, ...] = ("numerals", "renamed", "extended", "reworded", "last_sentence")
    """Benchmark questions in other words that are left out as well."""
    rewording: RewordingSettings = RewordingSettings()
    seed: int = 0

    @field_validator("weights")
    @classmethod
    def _sum_to_one(cls, weights: Mapping[str, float]) -> Mapping[str, float]:
        if not weights:
            return weights
        negative = [name for name, weight in weights.items() if not weight >= 0]
        if negative:
            raise ValueError(f"each weight must be at least 0; found {weights[negative[0]]} for {negative[0]}")
        total = sum(weights.values())
        if abs(total - 1.0) > TOLERANCE:
            remedy = "Add a source or raise a weight." if total < 1 else "Lower a weight."
            raise ValueError(f"must sum to 1.0; found {round(total, 6):g}. {remedy}")
        return weights

    @model_validator(mode="after")
    def _weights_or_parts(self) -> Self:
        if bool(self.weights) == bool(self.parts):
            found = "both" if self.parts else "neither"
            raise ValueError(
                f"expected either weights, of at least one source, or parts; found {found}. Give one of them."
            )
        if self.parts:
            check_parts(self.parts, self.rows)
        return self

    @property
    def all_parts(self) -> tuple[PartSettings, ...]:
        """The parts, or one for each source with a weight."""
        return self.parts or tuple(
            PartSettings(name=name, sources=(name,), weight=weight) for name, weight in self.weights.items()
        )

    @property
    def dials(self) -> Dials:
        return Dials(rows=self.rows, temperature=self.temperature, repeats=self.repeats)

    def takes(self, source: str) -> bool:
        """Whether any part takes examples of a source."""
        return any(not part.sources or source in part.sources for part in self.all_parts)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An example that may enter the mixture; `rank` orders it among all."""

    rank: bytes
    source: str
    id: str


def write_sft_mixture(
    folder: Path,
    settings: MixtureSettings,
    *,
    sources: Mapping[str, Artifact],
    problems: Mapping[str, Artifact],
    problem_fields: Artifact | None = None,
) -> dict[str, Json]:
    """Chooses and orders the examples. `problems` are the benchmarks' tables. Raises MixtureError."""
    _refuse_unknown(settings, sources)
    fields = classified(problem_fields)
    from evaluators.leaks.questions import BenchmarkQuestions

    benchmarks = BenchmarkQuestions(
        _benchmark_problems(problems),
        ngram=settings.ngram,
        matches=settings.matches,
        rewording=settings.rewording,
    )
    dropped: dict[str, Counter[str]] = {name: Counter() for name in sources}
    with atomic_file(folder / "contamination.jsonl") as temporary, temporary.open("w", encoding="utf-8") as hits:
        candidates = _candidates(settings, sources, benchmarks, dropped, hits, fields)
    available = {name: len(found) for name, found in candidates.items()}
    wanted = amounts(settings.all_parts, available, settings.dials)
    if not any(wanted.values()):
        raise MixtureError(
            "mixture: expected examples; no part gave any. See the facts of the sources for why they were dropped."
        )
    chosen: dict[str, dict[str, int]] = {name: {} for name in sources}
    for name, found in candidates.items():
        _choose(chosen, found, wanted[name])
        for source, left in Counter(one.source for one in found if one.id not in chosen[one.source]).items():
            dropped[source]["over_weight"] += left
    _write_shards(folder, sources, chosen, settings.seed, fields)
    repeated = {name: round(wanted[name] / available[name], 4) for name in wanted if wanted[name] > available[name]}
    return {**_facts(folder, dropped, benchmarks.count), "parts": wanted, "repeated": repeated}


SFT_MIXTURE = Stage(
    name="sft_mixture",
    version="6",
    write=write_sft_mixture,
    settings=MixtureSettings,
    inputs=("sources/*", "problems/*", "problem_fields?"),
    facts=MixtureFacts,
    description="The mixture by weight, without duplicates and without problems of any benchmark.",
    kinds=("parquet",),
)


def _refuse_unknown(settings: MixtureSettings, sources: Mapping[str, Artifact]) -> None:
    named = {name for part in settings.all_parts for name in part.sources}
    if named - set(sources) or not all(map(settings.takes, sources)):
        raise MixtureError(
            f"mixture.weights: expected one weight for each of the sources {', '.join(sorted(sources))}; found weights for "
            f"{', '.join(sorted(named))}. Name the same sources in both."
        )


def _benchmark_problems(problems: Mapping[str, Artifact]) -> Iterator[Problem]:
    for _, artifact in sorted(problems.items()):
        for path in artifact.files("problems*.parquet"):
            for row in pq.read_table(
                path, columns=["id", "benchmark", "question", "reference", "solution"]
            ).to_pylist():
                yield Problem(**row)


def _rows(name: str, artifact: Artifact, fields: Classified) -> Iterator[dict[str, Any]]:
    """Its examples, with what the classifier says of their problems where the source says nothing."""
    for path in artifact.files("examples-*.parquet"):
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    of = (
                        row["source"] if name == ANNOTATED else name
                    )  # the teacher's problems are those of other sources
                    yield row | fields.get((of, row["problem_id"]), {})


def _place(settings: MixtureSettings, source: str) -> float:
    """What decides which source is read first."""
    if settings.weights:
        return -settings.weights[source]
    return min(place for place, part in enumerate(settings.parts) if not part.sources or source in part.sources)


def _candidates(
    settings: MixtureSettings,
    sources: Mapping[str, Artifact],
    benchmarks: BenchmarkQuestions,
    dropped: Mapping[str, Counter[str]],
    hits: Any,
    fields: Classified,
) -> dict[str, list[_Candidate]]:
    """What each part may give. Of equal questions the source of the larger weight keeps its own; else that of the earlier part."""
    from evaluators.leaks.questions import digest

    seen: dict[bytes, int] = defaultdict(int)
    responses: set[bytes] = set()
    parts = settings.all_parts
    found: dict[str, list[_Candidate]] = {part.name: [] for part in parts}
    for name in sorted(sources, key=lambda name: (_place(settings, name), name)):
        # What a killed run could not: the order inside a source is that of its file, so the first solution stays.
        for row in report_progress(_rows(name, sources[name], fields), desc=f"mixture: {name}", unit="example"):
            question, response = row["problem"], example_text(row).response
            reason = _unwanted(row, settings)
            part = next((one.name for one in parts if one.takes(row, name)), None)
            if part is None:
                reason = reason or "in_no_part"
            key, text = digest(row["form"], question), digest(row["form"], question, response)
            if reason is None and (text in responses or seen[key] >= settings.solutions_per_question):
                reason = "duplicate"
            if reason is None:
                hit = benchmarks.find(question, response)
                if hit is not None:
                    reason = f"contaminated_{hit.rule}"
                    line = {"example": row["id"], "source": name, "problem": hit.problem_id, "rule": hit.rule}
                    line |= {"share": round(hit.share, 4), "span": hit.span}
                    hits.write(json.dumps(line, ensure_ascii=False) + "\n")
            if reason is not None or part is None:
                dropped[name][reason or "in_no_part"] += 1
                continue
            seen[key] += 1
            responses.add(text)
            found[part].append(_Candidate(_rank(settings.seed, name, row["id"]), name, row["id"]))
    return found


def _unwanted(row: Mapping[str, Any], settings: MixtureSettings) -> str | None:
    if row["form"] not in settings.forms:
        return "other_form"
    if row["language"] not in settings.languages:
        return "other_language"
    return "unverified" if settings.only_verified and row["verification"] not in VERIFIED else None


def _rank(seed: int, source: str, identity: str) -> bytes:
    return hashlib.sha256(f"{seed}/{source}/{identity}".encode()).digest()[:12]


def _choose(chosen: Mapping[str, dict[str, int]], found: Sequence[_Candidate], wanted: int) -> None:
    """How often each example of a part is taken: all as often as the others, or once more in the order of their ranks."""
    if not found:
        return
    times, again = divmod(wanted, len(found))
    for place, one in enumerate(sorted(found, key=lambda one: one.rank)):
        if copies := times + (place < again):
            chosen[one.source][one.id] = copies


def _write_shards(
    folder: Path,
    sources: Mapping[str, Artifact],
    chosen: Mapping[str, Mapping[str, int]],
    seed: int,
    fields: Classified,
) -> None:
    """One pass over the sources, which sets the rows of each shard apart; then a shard is in memory at a time."""
    ranks = sorted(
        _rank(seed, name, _copy(identity, copy))
        for name, ids in chosen.items()
        for identity, copies in ids.items()
        for copy in range(1, copies + 1)
    )
    firsts = ranks[::SHARD]
    paths = [folder / f"examples-{shard:05d}.parquet" for shard in range(len(firsts))]
    with ExitStack() as stack:
        apart = [stack.enter_context((folder / f"{path.stem}.tmp").open("wb")) for path in paths]
        for name, artifact in sorted(sources.items()):
            for row in _rows(name, artifact, fields):
                for copy in range(1, chosen[name].get(row["id"], 0) + 1):
                    identity = _copy(row["id"], copy)
                    rank = _rank(seed, name, identity)
                    shard = bisect_right(firsts, rank) - 1
                    pickle.dump((rank, {**row, "id": identity, "source": name}), apart[shard])
    for path in paths:
        waiting = folder / f"{path.stem}.tmp"
        if not path.exists():
            write_rows(path, [row for _, row in sorted(_read_apart(waiting), key=lambda pair: pair[0])], EXAMPLES)
        waiting.unlink()


def _copy(identity: str, copy: int) -> str:
    return identity if copy == 1 else f"{identity}#{copy}"


def _read_apart(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    with path.open("rb") as rows:
        while True:
            try:
                yield pickle.load(rows)
            except EOFError:
                return


def _facts(folder: Path, dropped: Mapping[str, Counter[str]], questions: int) -> dict[str, Json]:
    columns = (
        "source",
        "language",
        "form",
        "field",
        "field_from",
        "topic",
        "topic_from",
        "subject",
        "licence",
        "verification",
    )
    by: dict[str, Counter[str]] = {column: Counter() for column in columns}
    for path in sorted(folder.glob("examples-*.parquet")):
        table = pq.read_table(path, columns=list(by))
        for column, counter in by.items():
            counter.update(str(value) for value in table[column].to_pylist())
    return {
        "rows": by["source"].total(),
        "sources": {name: by["source"][name] for name in sorted(dropped)},
        "languages": dict(sorted(by["language"].items())),
        "forms": dict(sorted(by["form"].items())),
        "fields": dict(sorted(by["field"].items())),
        "fields_from": dict(sorted(by["field_from"].items())),
        "topics": dict(sorted(by["topic"].items())),
        "topics_from": dict(sorted(by["topic_from"].items())),
        "licences": dict(sorted(by["licence"].items())),
        "subjects": dict(by["subject"].most_common(30)),
        "verified": sum(by["verification"][how] for how in VERIFIED),
        "benchmark_questions": questions,
        "dropped": {name: dict(sorted(reasons.items())) for name, reasons in sorted(dropped.items())},
    }
