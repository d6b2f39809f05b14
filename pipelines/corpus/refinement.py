"""Exported pages cleaned or rewritten by a model: the step of Nemotron-CC-Math, UltraData-Math L3 and CraneMath. Off by default.

A model invents. So a page is replaced only by a text of which every formula and number occurs in the page as it was, which keeps
most of its formulas, and which holds no benchmark's text; else the page stays. The original stands beside every replaced text.

data/documents-*.parquet    the corpus's own columns, and `refinement`, `refused_for`, `original`
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.models.cache import GenerationCache, request_key
from evaluators.models.endpoint import EndpointSettings, open_endpoint
from evaluators.models.sampling import ContextOverflow, Generation, Request, Sampler, SamplingError
from evaluators.progress import report_progress
from evaluators.records import Settings
from evaluators.stages import Stage
from evaluators.stages.fields import HowItRuns
from pipelines.corpus.decontamination import BenchmarkIndex, DecontaminationSettings, read_problems
from pipelines.corpus.occurrence import Source, first_unfounded, kept_share
from pipelines.corpus.page_tables import BYTES_PER_TOKEN, CorpusError
from pipelines.storage import Artifact, Json, atomic_file

ADDED = [
    pa.field("refinement", pa.string()),  # accepted, or why the page stays as it was: OUTCOMES
    pa.field("refused_for", pa.string()),  # the formula or number that was invented, what failed; null where accepted
    pa.field("original", pa.large_string()),  # the text before; null where it stays
]
OUTCOMES = {
    "accepted": "the model's text stands in place of the page's",
    "unchanged": "the model gave the page back as it was",
    "invented formula": "a formula of the result does not occur in the page",
    "invented number": "a number of the result does not occur in the page",
    "lost formulas": "the result has fewer of the page's formulas than least_formulas",
    "too short": "the result is shorter than least_length",
    "too long": "the result is longer than most_length",
    "benchmark text": "the result holds a benchmark's text, which the page did not",
    "cut off": "the model did not come to an end",
    "failed": "the endpoint gave no usable answer",
    "page too long": "not asked: the page is longer than longest_page",
    "not chosen": "not asked: of another tier, or beyond the limit",
}
NOT_ASKED = ("page too long", "not chosen")
INSTRUCTIONS = {
    "clean": "Below is the text of a web page about mathematics. Remove menus, advertisements, links and what is left over of the "
    "page's frame. Keep everything else word for word, with every formula exactly as it is. Answer with the text alone.",
    "rewrite": "Below is the text of a web page about mathematics. Rewrite it as a clear and complete text that teaches the same. "
    "Keep every formula and every number exactly as it is and add none. Answer with the text alone.",
}
FENCE = re.compile(r"^\s*```(?:markdown|md|text|latex)?\n(.*)\n```\s*$", re.S)


class RefinementSettings(Settings):
    """Which pages are given to which model, and what is accepted of it."""

    endpoint: EndpointSettings = EndpointSettings(kind="chat")
    task: Literal["clean", "rewrite"] = "clean"
    instruction: str | None = None
    """In place of the task's own words."""
    tiers: tuple[int, ...] = ()
    """Only pages of these, where the corpus has tiers; none named: all."""
    pages: int | None = Field(default=None, gt=0)
    """At most so many, the first of the corpus."""
    longest_page: int = Field(default=24_000, gt=0)  # characters; ours: with the answer about 12,000 tokens
    most_new_tokens: int = Field(default=8_192, gt=0)
    temperature: float = Field(default=0.0, ge=0)  # ours: cleaning has one right answer
    top_p: float = Field(default=1.0, gt=0, le=1)
    seed: int = 0
    least_formulas: float = Field(default=0.9, ge=0, le=1)  # share of the page's formulas that the result has; ours
    least_length: float = Field(
        default=0.4, ge=0, le=1
    )  # of the page's; ours: extraction has left most of the frame behind
    most_length: float = Field(default=2.0, ge=1)  # ours: a rewritten text that is twice as long has said other things
    concurrency: HowItRuns[int] = Field(default=64, ge=1)
    tolerated_error_share: float = Field(default=0.05, ge=0, le=1)
    """Share of pages for which the endpoint may fail before the stage raises; they stay as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """What became of one page."""

    outcome: str
    detail: str | None = None
    text: str | None = None
    """The accepted one."""
    prompt_tokens: int = 0
    completion_tokens: int = 0


def write_refined(
    folder: Path,
    settings: RefinementSettings,
    *,
    math_corpus: Artifact,
    problems: Mapping[str, Artifact],
    decontamination: Mapping[str, Json] | None = None,
    sampler: Sampler | None = None,
) -> dict[str, Json]:
    """A shard for each of the corpus's; `sampler` is for tests and servers of one's own.

    `decontamination`: DecontaminationSettings by name, as the corpus was cleaned with; none: their defaults.

    Facts count outcomes and tokens. A killed run goes on from its last generation. Raises CorpusError where the endpoint fails for
    too many pages, SamplingError where it cannot be used at all.
    """
    sources = math_corpus.files("data/*.parquet")
    (folder / "data").mkdir(exist_ok=True)
    asyncio.run(_write_shards(folder, settings, sources, _leaks(problems, decontamination or {}), sampler))
    for path in folder.glob("generations.tmp*"):
        path.unlink()
    return _facts(folder)


REFINED_CORPUS = Stage(
    name="refined_corpus",
    version="1",
    write=write_refined,
    settings=RefinementSettings,
    inputs=("math_corpus", "problems/*"),
    description="The corpus with pages cleaned or rewritten by a model, where every formula and number of the result occurs in the "
    "page; the original beside it.",
    kinds=("openai", "parquet"),
)


def _leaks(problems: Mapping[str, Artifact], decontamination: Mapping[str, Json]) -> BenchmarkIndex:
    settings = DecontaminationSettings.model_validate(decontamination)
    return BenchmarkIndex(read_problems(problems), settings)


async def _write_shards(
    folder: Path, settings: RefinementSettings, sources: Sequence[Path], leaks: BenchmarkIndex, sampler: Sampler | None
) -> None:
    async with AsyncExitStack() as stack:
        cache = stack.enter_context(GenerationCache(folder / "generations.tmp"))
        if sampler is None:
            said = settings.endpoint
            identity = f"endpoint:{said.model}@{said.revision}:{said.kind}"
            sampler = await stack.enter_async_context(open_endpoint(said, identity))
        refiner = Refiner(settings, sampler, cache, leaks)
        asked = failed = 0
        for source in report_progress(sources, desc="refinement", unit="shard"):
            shard = folder / "data" / source.name
            if not shard.exists():
                await _write_shard(source, shard, refiner, settings, asked)
            outcomes = Counter(pq.read_table(shard, columns=["refinement"])["refinement"].to_pylist())
            asked += sum(count for outcome, count in outcomes.items() if outcome not in NOT_ASKED)
            failed += outcomes["failed"]
            _refuse_failures(asked, failed, settings, shard)


async def _write_shard(source: Path, shard: Path, refiner: Refiner, settings: RefinementSettings, asked: int) -> None:
    """One row group after the other, so that few texts are held."""
    tokens = {"prompt_tokens": 0, "completion_tokens": 0}
    with pq.ParquetFile(source) as file, atomic_file(shard) as temporary:
        schema = file.schema_arrow.remove_metadata()
        for field in ADDED:
            schema = schema.append(field)
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for batch in file.iter_batches(batch_size=4 * settings.concurrency):
                rows = batch.to_pylist()
                room = len(rows) if settings.pages is None else max(0, settings.pages - asked)
                refined = await refiner.refine(rows, room)
                asked += sum(one.outcome not in NOT_ASKED for one in refined)
                for name in tokens:
                    tokens[name] += sum(getattr(one, name) for one in refined)
                writer.write_table(
                    pa.Table.from_pylist([_row(*pair) for pair in zip(rows, refined, strict=True)], schema)
                )
            writer.add_key_value_metadata({name: str(count) for name, count in tokens.items()})


def _row(row: dict[str, Any], refined: Refined) -> dict[str, Any]:
    told = {"refinement": refined.outcome, "refused_for": refined.detail, "original": None}
    if refined.text is None:
        return row | told
    size = len(refined.text.encode())
    return row | told | {"text": refined.text, "original": row["text"], "tokens": -(-size // BYTES_PER_TOKEN)}


class Refiner:
    """Asks for one page after the other, many at once, and judges what comes back."""

    def __init__(
        self, settings: RefinementSettings, sampler: Sampler, cache: GenerationCache, leaks: BenchmarkIndex
    ) -> None:
        self.settings, self._sampler, self._cache, self._leaks = settings, sampler, cache, leaks
        self._free = asyncio.Semaphore(settings.concurrency)

    async def refine(self, rows: Sequence[Mapping[str, Any]], room: int) -> list[Refined]:
        """What becomes of each page; of those that may be asked for, only the first `room`."""
        chosen: list[int] = []
        outcomes = [Refined(outcome="not chosen")] * len(rows)
        for number, row in enumerate(rows):
            if len(row["text"]) > self.settings.longest_page:
                outcomes[number] = Refined(outcome="page too long")
            elif len(chosen) < room and (not self.settings.tiers or row.get("tier") in self.settings.tiers):
                chosen.append(number)
        found = await asyncio.gather(*(self._refined(rows[number]["text"]) for number in chosen))
        for number, one in zip(chosen, found, strict=True):
            outcomes[number] = one
        return outcomes

    async def _refined(self, text: str) -> Refined:
        async with self._free:
            try:
                generation = await self._generation(text)
            except ContextOverflow as error:
                return Refined(outcome="page too long", detail=str(error)[:200])
            except SamplingError as error:
                if error.final:
                    raise
                return Refined(outcome="failed", detail=str(error)[:200])
        outcome, detail, accepted = judge_result(text, generation, self.settings, self._leaks)
        return Refined(
            outcome=outcome,
            detail=detail,
            text=accepted,
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
        )

    async def _generation(self, text: str) -> Generation:
        settings = self.settings
        instruction = settings.instruction or INSTRUCTIONS[settings.task]
        request = Request(
            prompt=f"{instruction}\n\n{text}",
            max_tokens=settings.most_new_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            seed=settings.seed,
        )
        key = request_key(self._sampler.identity, request, 0, 0)
        if (known := self._cache.generation(key)) is not None:
            return known
        generation = await self._sampler.generate(request)
        self._cache.keep_generation(key, generation)
        return generation


def judge_result(
    text: str, generation: Generation, settings: RefinementSettings, leaks: BenchmarkIndex
) -> tuple[str, str | None, str | None]:
    """Outcome, what it was refused for, and the accepted text."""
    if generation.finish != "stop":
        return "cut off", generation.finish, None
    fenced = FENCE.match(generation.text)
    result = (fenced[1] if fenced else generation.text).strip()
    if result == text.strip():
        return "unchanged", None, None
    if len(result) < settings.least_length * len(text):
        return "too short", f"{len(result)} of {len(text)} characters", None
    if len(result) > settings.most_length * len(text):
        return "too long", f"{len(result)} of {len(text)} characters", None
    if (invented := first_unfounded(result, Source(text))) is not None:
        return f"invented {invented.kind}", invented.text[:200], None
    if (share := kept_share(text, result)) < settings.least_formulas:
        return "lost formulas", f"{share:.0%} are left", None
    if found := leaks.hits(result):
        return "benchmark text", f"{found[0]['problem_id']}: {found[0]['span'][:160]}", None
    return "accepted", None, result


def _refuse_failures(asked: int, failed: int, settings: RefinementSettings, shard: Path) -> None:
    if failed > settings.tolerated_error_share * asked:
        shard.unlink()
        raise CorpusError(
            f"refinement: expected answers for all but {settings.tolerated_error_share:.0%} of the pages; found {failed} of {asked} "
            "without. Is the endpoint up? Run again: finished generations are kept."
        )


def _facts(folder: Path) -> dict[str, Json]:
    outcomes: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for shard in sorted(folder.glob("data/*.parquet")):
        table = pq.read_table(shard, columns=["refinement", "text", "original"])
        outcomes.update(table["refinement"].to_pylist())
        for text, original in zip(table["text"].to_pylist(), table["original"].to_pylist(), strict=True):
            if original is not None:
                sizes.update({"characters_before": len(original), "characters_after": len(text)})
        told = pq.read_metadata(shard).metadata
        sizes.update({name: int(told[name.encode()]) for name in ("prompt_tokens", "completion_tokens")})
    asked = sum(count for outcome, count in outcomes.items() if outcome not in NOT_ASKED)
    return {
        "rows": sum(outcomes.values()),
        "asked": asked,
        "accepted": outcomes["accepted"],
        "acceptance": round(outcomes["accepted"] / asked, 4) if asked else None,
        "outcomes": dict(sorted(outcomes.items())),
        **dict(sorted(sizes.items())),
    }
