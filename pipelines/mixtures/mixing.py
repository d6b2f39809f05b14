"""Sources become one mixture: weighted, each question once in each form, without any problem of a benchmark.

<folder>/examples-00000.parquet     EXAMPLES, in an order that depends on ids and the seed alone
<folder>/contamination.jsonl        every example that was left out because it gives away a benchmark problem
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow.parquet as pq
from pydantic import Field, field_validator

from evaluators.errors import MathsieveError
from evaluators.leaks.settings import Rewording, RewordingSettings
from evaluators.progress import report_progress
from evaluators.records import Language, Problem, Settings
from evaluators.stages import Stage
from pipelines.example_text import VERIFIED, example_text
from pipelines.figures import MixtureFacts
from pipelines.mixtures.source import write_rows
from pipelines.records import EXAMPLES
from pipelines.storage import Artifact, Json, atomic_file

if TYPE_CHECKING:
    from evaluators.leaks.questions import BenchmarkQuestions

SHARD = 50_000
"""Examples of an output shard, which are what is held in memory at once."""
TOLERANCE = 1e-6
"""How far from 1.0 the weights may sum: rounding of decimals, not a forgotten source."""


class MixtureError(MathsieveError):
    """The mixture cannot be made as asked; the message names the remedy."""


class MixtureSettings(Settings):
    """What the mixture consists of."""

    weights: Mapping[str, float] = Field(min_length=1)
    """Share of each source (by its name in the recipe) among the examples; they sum to 1.0."""
    rows: int | None = Field(default=None, gt=0)
    """Examples in all; None takes as many as the weights allow before a source runs out. The paper has 776 K."""
    forms: tuple[Literal["cot", "pot", "tir"], ...] = Field(default=("cot", "pot", "tir"), min_length=1)
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
        negative = [name for name, weight in weights.items() if not weight >= 0]
        if negative:
            raise ValueError(f"each weight must be at least 0; found {weights[negative[0]]} for {negative[0]}")
        total = sum(weights.values())
        if abs(total - 1.0) > TOLERANCE:
            remedy = "Add a source or raise a weight." if total < 1 else "Lower a weight."
            raise ValueError(f"must sum to 1.0; found {round(total, 6):g}. {remedy}")
        return weights


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An example that may enter the mixture; `rank` orders it among all."""

    rank: bytes
    id: str


def write_sft_mixture(
    folder: Path, settings: MixtureSettings, *, sources: Mapping[str, Artifact], problems: Mapping[str, Artifact]
) -> dict[str, Json]:
    """Chooses and orders the examples. `problems` are the benchmarks' tables. Raises MixtureError."""
    _refuse_unknown(settings, sources)
    from evaluators.leaks.questions import BenchmarkQuestions

    benchmarks = BenchmarkQuestions(
        _benchmark_problems(problems),
        ngram=settings.ngram,
        matches=settings.matches,
        rewording=settings.rewording,
    )
    dropped: dict[str, Counter[str]] = {name: Counter() for name in sources}
    with atomic_file(folder / "contamination.jsonl") as temporary, temporary.open("w", encoding="utf-8") as hits:
        candidates = _candidates(settings, sources, benchmarks, dropped, hits)
    counts = _counts(settings, {name: len(found) for name, found in candidates.items()})
    chosen = {
        name: {one.id: one.rank for one in heapq.nsmallest(counts[name], found, key=lambda one: one.rank)}
        for name, found in candidates.items()
    }
    for name, found in candidates.items():
        dropped[name]["over_weight"] = len(found) - counts[name]
    _write_shards(folder, sources, chosen)
    return _facts(folder, counts, dropped, benchmarks.count)


SFT_MIXTURE = Stage(
    name="sft_mixture",
    version="4",
    write=write_sft_mixture,
    settings=MixtureSettings,
    inputs=("sources/*", "problems/*"),
    facts=MixtureFacts,
    description="The mixture by weight, without duplicates and without problems of any benchmark.",
    kinds=("parquet",),
)


def _refuse_unknown(settings: MixtureSettings, sources: Mapping[str, Artifact]) -> None:
    if set(settings.weights) != set(sources):
        raise MixtureError(
            f"mixture.weights: expected one weight for each of the sources {', '.join(sorted(sources))}; found weights for "
            f"{', '.join(sorted(settings.weights))}. Name the same sources in both."
        )


def _benchmark_problems(problems: Mapping[str, Artifact]) -> Iterator[Problem]:
    for _, artifact in sorted(problems.items()):
        for path in artifact.files("problems*.parquet"):
            for row in pq.read_table(
                path, columns=["id", "benchmark", "question", "reference", "solution"]
            ).to_pylist():
                yield Problem(**row)


def _rows(artifact: Artifact, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    for path in artifact.files("examples-*.parquet"):
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=1024, columns=columns):
                yield from batch.to_pylist()


def _candidates(
    settings: MixtureSettings,
    sources: Mapping[str, Artifact],
    benchmarks: BenchmarkQuestions,
    dropped: Mapping[str, Counter[str]],
    hits: Any,
) -> dict[str, list[_Candidate]]:
    """What each source may give. Of equal questions the source of the larger weight keeps its own, then by name."""
    from evaluators.leaks.questions import digest

    seen: dict[bytes, int] = defaultdict(int)
    responses: set[bytes] = set()
    found: dict[str, list[_Candidate]] = {}
    order = sorted(sources, key=lambda name: (-settings.weights[name], name))
    for name in order:
        found[name] = []
        # What a killed run could not: the order inside a source is that of its file, so the first solution stays.
        for row in report_progress(_rows(sources[name]), desc=f"mixture: {name}", unit="example"):
            question, response = row["problem"], example_text(row).response
            reason = _unwanted(row, settings)
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
            if reason is not None:
                dropped[name][reason] += 1
                continue
            seen[key] += 1
            responses.add(text)
            found[name].append(_Candidate(_rank(settings.seed, name, row["id"]), row["id"]))
    return found


def _unwanted(row: Mapping[str, Any], settings: MixtureSettings) -> str | None:
    if row["form"] not in settings.forms:
        return "other_form"
    if row["language"] not in settings.languages:
        return "other_language"
    return "unverified" if settings.only_verified and row["verification"] not in VERIFIED else None


def _rank(seed: int, source: str, identity: str) -> bytes:
    return hashlib.sha256(f"{seed}/{source}/{identity}".encode()).digest()[:12]


def _counts(settings: MixtureSettings, available: Mapping[str, int]) -> dict[str, int]:
    """Examples of each source, by largest remainders, so that they sum to the total exactly."""
    wanted = {name: weight for name, weight in settings.weights.items() if weight > 0}
    total = settings.rows
    if total is None:
        total = floor(min(available[name] / weight for name, weight in wanted.items()) + 1e-9)
    exact = {name: settings.weights[name] * total for name in available}
    counts = {name: floor(share + 1e-9) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (counts[name] - exact[name], name))
    for name in by_remainder[: total - sum(counts.values())]:
        counts[name] += 1
    for name, count in counts.items():
        if settings.rows is not None and count > available[name]:
            raise MixtureError(
                f"mixture: expected {count} examples of {name} ({settings.weights[name]:g} of {total}); after "
                f"deduplication and decontamination it has {available[name]}. Lower mixture.rows or its weight, or give it "
                "more rows."
            )
        counts[name] = min(count, available[name])
    if total == 0:
        empty = [name for name in wanted if available[name] == 0]
        raise MixtureError(
            f"mixture: expected examples of every source with a weight; {', '.join(empty) or 'too few'} gave none. See its "
            "facts for why they were dropped."
        )
    return counts


def _write_shards(folder: Path, sources: Mapping[str, Artifact], chosen: Mapping[str, Mapping[str, bytes]]) -> None:
    """One pass over the sources for each shard of the output, so that only a shard is ever in memory."""
    ranks = sorted(rank for ids in chosen.values() for rank in ids.values())
    for shard, start in enumerate(range(0, len(ranks), SHARD)):
        path = folder / f"examples-{shard:05d}.parquet"
        if path.exists():
            continue
        first, last = ranks[start], ranks[min(start + SHARD, len(ranks)) - 1]
        rows = []
        for name, artifact in sorted(sources.items()):
            for row in _rows(artifact):
                rank = chosen[name].get(row["id"])
                if rank is not None and first <= rank <= last:
                    rows.append((rank, {**row, "source": name}))
        rows.sort(key=lambda pair: pair[0])
        write_rows(path, [row for _, row in rows], EXAMPLES)


def _facts(
    folder: Path, counts: Mapping[str, int], dropped: Mapping[str, Counter[str]], questions: int
) -> dict[str, Json]:
    columns = ("language", "form", "subject", "verification")
    by: dict[str, Counter[str]] = {column: Counter() for column in columns}
    for path in sorted(folder.glob("examples-*.parquet")):
        table = pq.read_table(path, columns=list(by))
        for column, counter in by.items():
            counter.update(str(value) for value in table[column].to_pylist())
    return {
        "rows": sum(counts.values()),
        "sources": dict(sorted(counts.items())),
        "languages": dict(sorted(by["language"].items())),
        "forms": dict(sorted(by["form"].items())),
        "subjects": dict(by["subject"].most_common(30)),
        "verified": sum(by["verification"][how] for how in VERIFIED),
        "benchmark_questions": questions,
        "dropped": {name: dict(sorted(reasons.items())) for name, reasons in sorted(dropped.items())},
    }
