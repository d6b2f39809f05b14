"""Every page that holds a benchmark's text: the paper's rule (`evaluators.leaks.pages`) and the rewordings that the recipe
asks for. A row for each hit says page, item and span."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.leaks.settings import GRAM, Rewording, RewordingSettings
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.page_tables import TableWriter, table_batches, table_shards
from pipelines.storage import Artifact, Json, atomic_file

if TYPE_CHECKING:
    from evaluators.leaks.pages import PageRule
    from evaluators.leaks.reworded import Rewordings

HITS = pa.schema(
    [
        ("url_key", pa.string()),
        ("problem_id", pa.string()),
        ("benchmark", pa.string()),
        ("part", pa.string()),  # question | reference | solution
        (
            "match",
            pa.string(),
        ),  # gram: a 10-gram | whole: the whole text | common: whole, but on many sites: not dropped | a Rewording
        ("words", pa.int32()),  # that agree, in one run
        ("span", pa.string()),  # those words as they were compared
        ("dropped", pa.bool_()),
    ]
)
FOUND = HITS.append(pa.field("domain", pa.string()))
"""Hits while the sites of a phrase are not counted yet."""
SMALL = 300
"""Pages below which starting processes costs more than it saves."""


class DecontaminationSettings(Settings):
    """What counts as evidence."""

    shared_by: int = Field(default=8, ge=2)  # problems; a 10-gram of so many is their template, not their content
    language_words: int = Field(default=3, ge=0)  # of a window, that are no numbers and symbols
    common_domains: int = Field(
        default=5, ge=2
    )  # a *short* text on so many sites is a phrase, reported and not dropped
    matches: tuple[Rewording, ...] = ()
    """Questions in other words that drop a page as well; the paper's rule has none."""
    rewording: RewordingSettings = RewordingSettings()


class BenchmarkIndex:
    """All texts of the benchmarks, ready to be looked for in pages."""

    def __init__(self, problems: list[dict[str, str | None]], settings: DecontaminationSettings) -> None:
        from evaluators.leaks.pages import PageRule
        from evaluators.leaks.reworded import Rewordings

        self.problems = problems
        self._rule: PageRule = PageRule(problems, shared_by=settings.shared_by, language_words=settings.language_words)
        questions = [problem["question"] or "" for problem in problems] if settings.matches else []
        self._rewordings: Rewordings = Rewordings(questions, settings.matches, settings.rewording)

    @property
    def shared(self) -> int:
        """10-grams that are no evidence because many problems have them."""
        return self._rule.shared

    def hits(self, text: str) -> list[dict[str, Json]]:
        """Every benchmark text that a page holds a piece of: the longest run for each problem and part."""
        from evaluators.leaks.words import readings

        found: dict[tuple[int, str], tuple[int, str, str]] = {}
        for reading in readings(text):
            words = reading.without_operators()
            spans = [(one.problem, one.part, one.match, one.start, one.end) for one in self._rule.spans(words)]
            known = {(problem, part) for problem, part, *_ in spans}
            for one in self._rewordings.found(words):
                if (one.problem, "question") not in known:
                    spans.append((one.problem, "question", one.match, one.start, one.end))
            for problem, part, match, start, end in spans:
                if end - start > found.get((problem, part), (0, "", ""))[0]:
                    found[problem, part] = (end - start, match, words.span(start, end))
        return [
            {
                "problem_id": self.problems[problem]["id"],
                "benchmark": self.problems[problem]["benchmark"],
                "part": part,
                "match": match,
                "words": size,
                "span": span,
            }
            for (problem, part), (size, match, span) in sorted(found.items())
        ]


def write_contamination(
    folder: Path,
    settings: DecontaminationSettings,
    *,
    extracted: Artifact,
    problems: Mapping[str, Artifact],
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Json]:
    """Fill `folder` with hits-*.parquet (HITS). A page with a hit whose `dropped` is true must not be exported."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    known = read_problems(problems)
    sources = table_shards(extracted)
    pages = sum(pq.read_metadata(shard).num_rows for shard in sources)
    jobs = [(shard, scratch / f"found-{number:05d}.parquet") for number, shard in enumerate(sources)]
    tables = tuple(shard for name in sorted(problems) for shard in table_shards(problems[name]))
    run_shards(
        partial(_find_hits, tables, settings),
        jobs,
        executor,
        done=_is_found,
        label="decontaminating",
        here=pages <= SMALL,
    )
    kept = _judged(pa.concat_tables(pq.read_table(part) for _, part in jobs), settings)
    writer = TableWriter(folder, "hits", HITS)
    writer.write(kept)
    writer.close()
    shutil.rmtree(scratch)
    dropped = kept.filter(kept["dropped"])
    return {
        "pages": pages,
        "problems": len(known),
        "hits": kept.num_rows,
        "contaminated_pages": pc.count_distinct(dropped["url_key"]).as_py(),
        "common_phrases": kept.num_rows - dropped.num_rows,
        "shared_grams_ignored": BenchmarkIndex(known, settings).shared,
        "hits_by_benchmark": dict(sorted(Counter(dropped["benchmark"].to_pylist()).items())),
    }


CONTAMINATION = Stage(
    name="contamination",
    version="4",
    write=write_contamination,
    settings=DecontaminationSettings,
    inputs=("extracted", "problems/*"),
    description="Every page that holds a 10-gram of a benchmark, a shorter item whole, or one in other words: page, item and span (§2.1).",
    kinds=("parquet",),
    by_shards=True,
)


def _is_found(job: tuple[Path, Path]) -> bool:
    return job[1].exists()


@lru_cache(maxsize=1)
def _index_of(shards: tuple[Path, ...], settings: DecontaminationSettings) -> BenchmarkIndex:
    """Of a worker process: made once, used for all of its shards."""
    return BenchmarkIndex([row for shard in shards for row in _problem_rows(shard)], settings)


def _find_hits(problems: tuple[Path, ...], settings: DecontaminationSettings, job: tuple[Path, Path]) -> None:
    """The hits of one shard of pages, each with the page's domain."""
    source, part = job
    index, found = _index_of(problems, settings), []
    for batch in table_batches(source, ["url_key", "domain", "text"]):
        for row in batch.to_pylist():
            for hit in index.hits(row["text"] or ""):
                found.append({"url_key": row["url_key"], **hit, "dropped": True, "domain": row["domain"]})
    with atomic_file(part) as temporary:
        pq.write_table(pa.Table.from_pylist(found, FOUND), temporary, compression="zstd")


def _judged(found: pa.Table, settings: DecontaminationSettings) -> pa.Table:
    """The hits in the order of the pages. A short text that is found whole on many sites is a phrase: it drops no page."""
    item = pc.binary_join_element_wise(found["problem_id"], found["part"], "\0").combine_chunks().dictionary_encode()
    pairs = pa.table({"item": item.indices, "domain": found["domain"]}).group_by("item")
    sites = pairs.aggregate([("domain", "count_distinct")])
    of_item = np.zeros(len(item.dictionary), np.int64)
    of_item[sites["item"].to_numpy()] = sites["domain_count_distinct"].to_numpy()
    short = pc.and_(pc.equal(found["match"], "whole"), pc.less(found["words"], GRAM)).to_numpy()
    common = pa.array(short & (of_item[item.indices.to_numpy()] >= settings.common_domains))
    match = pc.if_else(common, "common", found["match"].combine_chunks())
    columns = {name: found[name] for name in HITS.names} | {"match": match, "dropped": pc.invert(common)}
    return pa.table(columns, schema=HITS)


def read_problems(problems: Mapping[str, Artifact]) -> list[dict[str, str | None]]:
    return [row for name in sorted(problems) for shard in table_shards(problems[name]) for row in _problem_rows(shard)]


def _problem_rows(shard: Path) -> list[dict[str, str | None]]:
    columns = ["id", "benchmark", "question", "reference", "solution"]
    return [row for batch in table_batches(shard, columns) for row in batch.to_pylist()]
