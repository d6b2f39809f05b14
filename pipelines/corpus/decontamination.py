"""Benchmark text found in pages (DeepSeekMath §2.1): any 10-gram of a question, answer or solution, or a shorter text
whole. Every hit is recorded with page, item and span.

Two things would drop clean pages: words that many problems share ("Please reason step by step, and put your final
answer within"), and windows of numbers and symbols alone ("1 2 3 4 5 6 7 8 9 10"). Such a window is no evidence by
itself; a benchmark text that has no other window is matched whole instead.

Departs from §2.1, which takes any text of 3 to 9 grams: a reference needs two words of a language. Tokenised,
`\\frac{3}{4}` has three grams and `(1,2,3)` too; by the letter every page with such a number would be a leak, although
a final answer without its question gives nothing away. The question, 10 grams of it or whole, still finds the copy.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.grams import GRAM, SHORTEST, hashed, is_language, readings, window_hashes
from pipelines.corpus.page_tables import TableWriter, is_among, table_batches, table_shards
from pipelines.storage import Artifact, Json, atomic_file

HITS = pa.schema(
    [
        ("url_key", pa.string()),
        ("problem_id", pa.string()),
        ("benchmark", pa.string()),
        ("part", pa.string()),  # question | reference | solution
        (
            "match",
            pa.string(),
        ),  # gram: a 10-gram | whole: the whole text | common: whole, but on many sites: not dropped
        ("words", pa.int32()),  # that agree, in one run
        ("span", pa.string()),  # those words as they were compared
        ("dropped", pa.bool_()),
    ]
)
FOUND = HITS.append(pa.field("domain", pa.string()))
"""Hits while the sites of a phrase are not counted yet."""
SMALL = 300
"""Pages below which starting processes costs more than it saves."""
PARTS = ("question", "reference", "solution")


class DecontaminationSettings(Settings):
    """What counts as evidence."""

    shared_by: int = Field(default=8, ge=2)  # problems; a 10-gram of so many is their template, not their content
    language_words: int = Field(default=3, ge=0)  # of a window, that are no numbers and symbols
    common_domains: int = Field(
        default=5, ge=2
    )  # a *short* text on so many sites is a phrase, reported and not dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """A benchmark text that is matched whole."""

    problem: int
    part: str
    words: tuple[str, ...]


class BenchmarkIndex:
    """All texts of the benchmarks, ready to be looked for in pages."""

    def __init__(self, problems: Sequence[Mapping[str, str | None]], settings: DecontaminationSettings) -> None:
        self.problems, self.shared = problems, 0
        texts = [
            (n, part, words) for n, p in enumerate(problems) for part in PARTS for words in readings(p[part] or "")
        ]
        owners = _template_owners(texts)
        self.sources: dict[int, tuple[int, str]] = {}
        self.whole: dict[int, dict[int, list[_Item]]] = defaultdict(lambda: defaultdict(list))
        for problem, part, words in texts:
            evident = 0
            for place, value in enumerate(window_hashes(hashed(words), GRAM).tolist()):
                if len(owners[value]) >= settings.shared_by:
                    self.shared += 1
                elif _languages(words[place : place + GRAM]) >= settings.language_words:
                    evident += 1
                    self.sources.setdefault(value, (problem, part))
            # Departs from §2.1: answers of numbers and symbols alone are no evidence.
            if not evident and len(words) >= SHORTEST and _languages(words) >= (2 if part == "reference" else 1):
                size = min(len(words), GRAM)
                start = int(window_hashes(hashed(words[:size]), size)[0])
                self.whole[size][start].append(_Item(problem=problem, part=part, words=tuple(words)))
        self._grams = np.array(sorted(self.sources), np.uint64)
        self._starts = {size: np.array(sorted(by_hash), np.uint64) for size, by_hash in self.whole.items()}

    def hits(self, text: str) -> list[dict[str, Json]]:
        """Every benchmark text that a page holds a piece of: the longest run for each problem and part."""
        found: dict[tuple[int, str], tuple[int, str, str]] = {}
        for words in readings(text):
            values = hashed(words)
            for problem, part, match, start, end in [*self._gram_runs(values), *self._whole_texts(words, values)]:
                if end - start > found.get((problem, part), (0, "", ""))[0]:
                    found[(problem, part)] = (end - start, match, " ".join(words[start:end]))
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

    def _gram_runs(self, values: npt.NDArray[np.uint64]) -> Iterator[tuple[int, str, str, int, int]]:
        """Matching 10-grams of one problem that follow each other, as one run."""
        windows = window_hashes(values, GRAM)
        places = np.flatnonzero(is_among(windows, self._grams)).tolist()
        position = 0
        while position < len(places):
            source, last = self.sources[int(windows[places[position]])], position
            while (
                last + 1 < len(places)
                and places[last + 1] == places[last] + 1
                and self.sources[int(windows[places[last + 1]])] == source
            ):
                last += 1
            yield (*source, "gram", places[position], places[last] + GRAM)
            position = last + 1

    def _whole_texts(
        self, words: Sequence[str], values: npt.NDArray[np.uint64]
    ) -> Iterator[tuple[int, str, str, int, int]]:
        for size in sorted(self._starts):
            windows = window_hashes(values, size)
            for place in np.flatnonzero(is_among(windows, self._starts[size])).tolist():
                for item in self.whole[size][int(windows[place])]:
                    end = place + len(item.words)
                    if tuple(words[place:end]) == item.words:
                        yield item.problem, item.part, "whole", place, end


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
    version="3",
    write=write_contamination,
    settings=DecontaminationSettings,
    inputs=("extracted", "problems/*"),
    description="Every page that holds a 10-gram of a benchmark, or a shorter item whole: page, item and span (§2.1).",
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


def _template_owners(texts: Sequence[tuple[int, str, list[str]]]) -> dict[int, set[int]]:
    """Which problems hold each 10-gram."""
    owners: dict[int, set[int]] = defaultdict(set)
    for problem, _, words in texts:
        for value in window_hashes(hashed(words), GRAM).tolist():
            owners[value].add(problem)
    return owners


def _languages(words: Sequence[str]) -> int:
    return sum(map(is_language, words))
