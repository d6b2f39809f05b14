"""The corpus of an iteration: what was collected before, what was recalled, what lies under accepted prefixes.

It never loses a page, so that growth can be read off; it says `converged` when (almost) everything that an iteration
finds was there already (DeepSeekMath §2.1: about 98 % in the fourth).
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
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
from pipelines.corpus.annotations import Decision, read_decisions, verdict_on
from pipelines.corpus.page_tables import (
    CorpusError,
    NewestRows,
    PageShards,
    TableWriter,
    estimated_tokens,
    flagged_batches,
    hand_on,
    is_among,
    key_hashes,
    sorted_keys,
    table_batches,
)
from pipelines.corpus.seed import place_of, place_of_prefix
from pipelines.figures import CorpusFacts, RecallFacts
from pipelines.records import COLLECTED
from pipelines.storage import Artifact, Json, atomic_file

FROM_PAGES = [name for name in COLLECTED.names if name not in ("margin", "origin", "tokens")]
ROWS_A_TASK = 1_000_000
SMALL = 50_000
"""Pages below which starting processes costs more than it saves."""
TOP = 15
"""Domains listed as gained or lost."""


class GrowthSettings(Settings):
    """When to stop."""

    converged_overlap: float = Field(default=0.98, gt=0, le=1)  # §2.1: "nearly 98 % of the data ... already collected"


@dataclass(slots=True)
class _Tally:
    """Pages of one iteration's finds."""

    found: int = 0
    known: int = 0
    refused: int = 0
    new_tokens: int = 0
    annotated: int = 0
    new_languages: Counter[str] = field(default_factory=Counter)
    new_domains: Counter[str] = field(default_factory=Counter)
    found_domains: Counter[str] = field(default_factory=Counter)


def write_corpus(  # noqa: PLR0913  # a stage's inputs are its arguments
    folder: Path,
    settings: GrowthSettings,
    *,
    previous: Artifact,
    recalled: Artifact,
    annotations: Artifact,
    pages: Mapping[str, Artifact],
    url_index: Artifact,
    iteration: int,
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Json]:
    """Fill `folder` with a COLLECTED table and growth.json; after convergence hand the previous corpus on as it is."""
    before = CorpusFacts.of(previous)
    if before.converged:
        hand_on(folder, previous)
        return dict(previous.facts)
    decisions = read_decisions(annotations.file("decisions.jsonl"))
    known, tally = sorted_keys(previous), _Tally()
    writer = TableWriter(folder, "corpus", COLLECTED)
    old_domains = _write_previous(writer, previous, recalled, decisions)
    _write_recalled(writer, recalled, decisions, known, tally)
    if any(decision.verdict == "math" for decision in decisions):
        recalled_keys = sorted_keys(recalled)
        found = _under_accepted(folder / "scratch", NewestRows(pages, url_index), decisions, executor)
        _write_annotated(writer, found, (known, recalled_keys), tally)
    facts = _figures(tally, old_domains, iteration, settings)
    facts |= {"rows": writer.close(), "tokens": old_domains.total_tokens + tally.new_tokens}
    facts["classifier"] = dict(RecallFacts.of(recalled).classifier)
    if facts["rows"] < before.rows:
        raise CorpusError(
            f"iteration {iteration}: expected a corpus of {before.rows} pages or more; found {facts['rows']}"
        )
    with atomic_file(folder / "growth.json") as temporary:
        temporary.write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    return facts


def _convergence(facts: CorpusFacts, settings: GrowthSettings, *, iteration: int) -> str | None:
    if not facts.converged or facts.iteration != iteration:
        return None
    return (
        f"converged in iteration {iteration}: {facts.overlap:.1%} of what it found was collected before; later iterations do "
        "nothing"
    )


CORPUS = Stage(
    name="corpus",
    version="3",
    write=write_corpus,
    settings=GrowthSettings,
    inputs=("previous", "recalled", "annotations", "pages/*", "url_index"),
    facts=CorpusFacts,
    remark=_convergence,
    description="Everything collected so far: the seed, what was recalled, and uncollected pages under accepted prefixes.",
    kinds=("parquet",),
    by_shards=True,
)


@dataclass(slots=True)
class _Before:
    domains: Counter[str]
    languages: Counter[str]
    total_tokens: int


def _write_previous(
    writer: TableWriter, previous: Artifact, recalled: Artifact, decisions: Sequence[Decision]
) -> _Before:
    """The previous rows in their order, with this iteration's margins where it recalled them again."""
    hashes, margins = _margins(recalled)
    before = _Before(domains=Counter(), languages=Counter(), total_tokens=0)
    for batch in table_batches(previous):
        table = pa.Table.from_batches([batch])
        if len(hashes):
            here = key_hashes(batch["url_key"].to_pylist())
            places = np.minimum(np.searchsorted(hashes, here), len(hashes) - 1)
            values = np.where(hashes[places] == here, margins[places], batch["margin"].to_numpy(zero_copy_only=False))
            updated = pa.array(values.astype(np.float32), from_pandas=True)
            table = table.set_column(COLLECTED.names.index("margin"), "margin", updated)
        writer.write(_vouched(table, decisions))
        before.domains.update(batch["domain"].to_pylist())
        before.languages.update(batch["language"].to_pylist())
        before.total_tokens += sum(filter(None, batch["tokens"].to_pylist()))
    return before


def _margins(recalled: Artifact) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.float32]]:
    hashes, margins = [np.zeros(0, np.uint64)], [np.zeros(0, np.float32)]
    for batch in table_batches(recalled, ["url_key", "margin"]):
        hashes.append(key_hashes(batch["url_key"].to_pylist()))
        margins.append(batch["margin"].to_numpy(zero_copy_only=False))
    joined = np.concatenate(hashes)
    order = np.argsort(joined)
    return joined[order], np.concatenate(margins)[order]


def _write_recalled(
    writer: TableWriter, recalled: Artifact, decisions: Sequence[Decision], known: npt.NDArray[np.uint64], tally: _Tally
) -> None:
    """Recalled pages that are new, but for those that a person has judged not to be mathematics."""
    persons = [decision for decision in decisions if decision.by == "person"]
    for batch in table_batches(recalled):
        already = is_among(key_hashes(batch["url_key"].to_pylist()), known)
        refused = np.array([_is_refused(url, persons) for url in batch["url"].to_pylist()], dtype=np.bool_)
        tally.refused += int((refused & ~already).sum())
        _count(tally, batch.filter(pa.array(~refused | already)), already[~refused | already])
        writer.write(_vouched(pa.Table.from_batches([batch.filter(pa.array(~already & ~refused))]), decisions))


def _vouched(rows: pa.Table, decisions: Sequence[Decision]) -> pa.Table:
    """Recalled pages under an accepted prefix count as annotated: only what is vouched for teaches the next classifier."""
    hosts = _hosts(decisions)
    origins = rows["origin"].to_pylist()
    for number, (origin, url) in enumerate(zip(origins, rows["url"].to_pylist(), strict=True)):
        if origin == "recalled" and (place := place_of(url)).partition("/")[0] in hosts:
            decision = verdict_on(place, decisions)
            if decision is not None and decision.verdict == "math":
                origins[number] = "annotated"
    return rows.set_column(rows.schema.names.index("origin"), "origin", pa.array(origins, pa.string()))


def _is_refused(url: str, persons: Sequence[Decision]) -> bool:
    if not persons:
        return False
    decision = verdict_on(place_of(url), persons)
    return decision is not None and decision.verdict == "other"


def _write_annotated(
    writer: TableWriter,
    found: Iterable[pa.RecordBatch],
    taken: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]],
    tally: _Tally,
) -> None:
    """Uncollected pages under prefixes judged mathematics; those known before count as found again."""
    known, recalled = taken
    for rows in found:
        hashes = key_hashes(rows["url_key"].to_pylist())
        fresh = ~is_among(hashes, recalled)
        rows, already = rows.filter(pa.array(fresh)), is_among(hashes[fresh], known)
        columns_of = {name: rows[name] for name in rows.schema.names} | {
            "margin": pa.nulls(rows.num_rows, pa.float32()),
            "origin": pa.array(["annotated"] * rows.num_rows, pa.string()),
            "tokens": estimated_tokens(rows["text"]),
        }
        table = pa.table({name: columns_of[name] for name in COLLECTED.names})
        new = table.filter(pa.array(~already))
        _count(tally, table, already)
        tally.annotated += new.num_rows
        writer.write(new)


def _under_accepted(
    scratch: Path, newest: NewestRows, decisions: Sequence[Decision], executor: ExecutorSettings
) -> Iterator[pa.RecordBatch]:
    """The pages below prefixes judged mathematics, in the order of the pages; each task leaves those of its shards."""
    scratch.mkdir(exist_ok=True)
    tasks = newest.tasks(ROWS_A_TASK)
    run_shards(
        partial(_find_accepted, scratch, tuple(decisions)),
        tasks,
        executor,
        done=partial(_is_searched, scratch),
        label="pages below accepted prefixes",
        here=newest.rows <= SMALL,
    )
    for task in tasks:
        yield from table_batches(_accepted(scratch, task), FROM_PAGES)
    shutil.rmtree(scratch)


def _accepted(scratch: Path, task: PageShards) -> Path:
    return scratch / f"accepted-{task.name}.parquet"


def _is_searched(scratch: Path, task: PageShards) -> bool:
    return _accepted(scratch, task).exists()


def _find_accepted(scratch: Path, decisions: Sequence[Decision], task: PageShards) -> None:
    hosts = _hosts(decisions)
    known = pa.array(sorted(hosts), pa.string())
    with (
        atomic_file(_accepted(scratch, task)) as temporary,
        pq.ParquetWriter(temporary, pa.schema([COLLECTED.field(name) for name in FROM_PAGES])) as writer,
    ):
        for _, path, flags in task.numbered():
            names = pq.read_table(path, columns=["host"])["host"]
            here = pc.is_in(pc.replace_substring_regex(names, r"^www\.", ""), known)
            maybe = pc.or_(here, pc.match_substring(names, ":")).to_numpy()  # an address in brackets has no name
            if not (maybe & flags).any():
                continue
            for batch in flagged_batches(path, flags & maybe, FROM_PAGES):
                wanted = [_is_accepted(url, hosts, decisions) for url in batch["url"].to_pylist()]
                writer.write_table(
                    pa.Table.from_batches([batch.filter(pa.array(wanted, pa.bool_()))]).select(FROM_PAGES)
                )


def _is_accepted(url: str, hosts: set[str], decisions: Sequence[Decision]) -> bool:
    place = place_of(url)
    decision = verdict_on(place, decisions) if place.partition("/")[0] in hosts else None
    return decision is not None and decision.verdict == "math"


def _hosts(decisions: Sequence[Decision]) -> set[str]:
    """The hosts that decisions are on: a URL of another needs no closer look."""
    return {place_of_prefix(decision.prefix).partition("/")[0] for decision in decisions}


def _count(tally: _Tally, rows: pa.RecordBatch | pa.Table, already: npt.NDArray[np.bool_]) -> None:
    domains, languages = rows["domain"].to_pylist(), rows["language"].to_pylist()
    tally.found += len(domains)
    tally.known += int(already.sum())
    tally.found_domains.update(domains)
    for domain, language, tokens, known in zip(domains, languages, rows["tokens"].to_pylist(), already, strict=True):
        if not known:
            tally.new_tokens += tokens or 0
            tally.new_domains[domain] += 1
            tally.new_languages[language] += 1


def _figures(tally: _Tally, before: _Before, iteration: int, settings: GrowthSettings) -> dict[str, Json]:
    overlap = tally.known / tally.found if tally.found else 1.0
    lost = Counter({domain: count for domain, count in before.domains.items() if domain not in tally.found_domains})
    gained = Counter({domain: count for domain, count in tally.new_domains.items() if domain not in before.domains})
    return {
        "iteration": iteration,
        "found": tally.found,
        "new_pages": tally.found - tally.known,
        "new_tokens": tally.new_tokens,
        "annotated_pages": tally.annotated,
        "refused_by_a_person": tally.refused,
        "overlap": round(overlap, 4),
        "languages": dict(sorted((before.languages + tally.new_languages).items())),
        "domains_gained": _top(gained),
        "domains_grown": _top(tally.new_domains),
        "domains_lost": _top(lost),
        "converged": overlap >= settings.converged_overlap,
    }


def _top(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP])
