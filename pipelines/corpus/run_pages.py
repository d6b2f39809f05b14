"""The pages of a run as candidates of a sample: what each scored, and whether the corpus keeps it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.corpus.label_sample import Candidate
from pipelines.corpus.page_tables import NewestRows, table_batches
from pipelines.figures import CorpusFacts, LoopFacts
from pipelines.storage import Artifact

FROM_PAGES = ["url_key", "digest", "domain", "language"]
LEFT = "left"


class RunArtifacts(Protocol):
    """The artifacts of a run by the names that it gives them: `iteration_1/corpus`, `pages/CC-MAIN-2024-10`."""

    def names(self) -> list[str]: ...

    def read(self, name: str) -> Artifact: ...


@dataclass(frozen=True, slots=True)
class GivenArtifacts:
    """Those that a stage was given, for what otherwise reads a finished run."""

    by_name: Mapping[str, Artifact]

    def names(self) -> list[str]:
        return sorted(self.by_name)

    def read(self, name: str) -> Artifact:
        return self.by_name[name]


def candidates_of(run: RunArtifacts) -> Iterator[Candidate]:
    """The newest capture of every page with text. Pages that the crawl only counted have none and cannot be judged."""
    names = run.names()
    pages = {name.partition("/")[2]: run.read(name) for name in names if name.startswith("pages/")}
    newest = NewestRows(pages, run.read("url_index"))
    margins, tiers = _margins(run, names), _tiers(run, names)
    for task in newest.tasks(1):
        for _, path, flags in task.numbered():
            row = 0
            for batch in table_batches(path, [*FROM_PAGES, "text"]):
                here = flags[row : row + batch.num_rows]
                for number, values in enumerate(batch.select(FROM_PAGES).to_pylist()):
                    if here[number] and batch["text"][number].is_valid:
                        yield _candidate(values, (str(path), row + number), margins, tiers)
                row += batch.num_rows


def _candidate(
    values: Mapping[str, str], place: tuple[str, int], margins: Mapping[str, float], tiers: Mapping[str, str]
) -> Candidate:
    key = values["url_key"]
    return Candidate(
        url=key,
        digest=values["digest"] or "",
        site=values["domain"] or "",
        language=values["language"] or "",
        margin=margins.get(key),
        tier=tiers.get(key, LEFT),
        place=place,
    )


def _margins(run: RunArtifacts, names: Sequence[str]) -> dict[str, float]:
    """Of the last iteration that scored anything."""
    of_iteration: defaultdict[int, list[Artifact]] = defaultdict(list)
    for name in names:
        if found := re.fullmatch(r"iteration_(\d+)/scores/.+", name):
            of_iteration[int(found.group(1))].append(run.read(name))
    for number in sorted(of_iteration, reverse=True):
        made = [scores for scores in of_iteration[number] if not LoopFacts.of(scores).converged]
        if made:
            return {
                key: margin
                for scores in made
                for batch in table_batches(scores, ["url_key", "margin"])
                for key, margin in zip(batch["url_key"].to_pylist(), batch["margin"].to_pylist(), strict=True)
            }
    return {}


def _tiers(run: RunArtifacts, names: Sequence[str]) -> dict[str, str]:
    """`kept` or the tier of each page of the exported corpus, else `kept` for those of the last iteration's."""
    if "math_corpus" in names:
        found: dict[str, str] = {}
        for shard in run.read("math_corpus").files("data/*.parquet"):
            columns = [name for name in ("url_key", "tier") if name in pq.read_schema(shard).names]
            for row in (row for batch in table_batches(shard, columns) for row in batch.to_pylist()):
                found[row["url_key"]] = f"L{row['tier']}" if row.get("tier") else "kept"
        return found
    corpora = [run.read(name) for name in names if re.fullmatch(r"iteration_\d+/corpus", name)]
    if not corpora:
        return {}
    last = max(corpora, key=lambda corpus: CorpusFacts.of(corpus).iteration or 0)
    return {key: "kept" for batch in table_batches(last, ["url_key"]) for key in batch["url_key"].to_pylist()}


def texts_of(run: RunArtifacts, pages: Sequence[Candidate]) -> dict[str, str]:
    """The text of each page by URL: as exported where it was extracted, else the crawl's cheap text."""
    by_shard: defaultdict[str, list[Candidate]] = defaultdict(list)
    for page in pages:
        by_shard[page.place[0]].append(page)
    found: dict[str, str] = {}
    for shard, members in sorted(by_shard.items()):
        rows = pq.read_table(Path(shard), columns=["text"])["text"].take(pa.array([page.place[1] for page in members]))
        found |= {page.url: text for page, text in zip(members, rows.to_pylist(), strict=True)}
    if "extracted" in run.names():
        for batch in table_batches(run.read("extracted"), ["url_key", "text"]):
            for key, text in zip(batch["url_key"].to_pylist(), batch["text"].to_pylist(), strict=True):
                if key in found and text:
                    found[key] = text
    return found
