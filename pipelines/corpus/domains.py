"""Domains of which much was collected, and the URL prefixes inside them that hold it (DeepSeekMath §2.1).

The prefixes come from a tree of path segments, cut where the pages below a prefix are alike: the smallest set of
prefixes that covers the collected pages and parts them from the others (minimum description length).
"""

from __future__ import annotations

import heapq
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.page_tables import NewestRows, is_among, key_hashes, sorted_keys
from pipelines.figures import DomainFacts, RecallFacts
from pipelines.storage import Artifact, Json, atomic_file
from pipelines.urls import resolved_path

DOMAINS = pa.schema(
    [
        ("domain", pa.string()),
        ("hosts", pa.int32()),
        ("pages", pa.int64()),
        ("collected", pa.int64()),
        ("share", pa.float64()),
        ("with_formulas", pa.int64()),  # pages with math markers in their HTML
        ("candidate", pa.bool_()),
    ]
)


class DomainSettings(Settings):
    """What makes a domain a candidate, and a prefix a proposal."""

    candidate_share: float = Field(default=0.1, gt=0, le=1)  # §2.1: "more than 10 % of the web pages collected"
    least_collected: int = Field(default=3, ge=1)  # pages; a share of fewer says nothing
    depth: int = Field(default=5, ge=1)  # host and path segments of a prefix
    prefix_bits: float = Field(default=8.0, ge=0)  # about what its name and three shares take to be told
    examples: int = Field(default=5, ge=1)


@dataclass(slots=True)
class _Node:
    """One URL prefix."""

    pages: int = 0
    collected: int = 0
    formulas: int = 0
    words: int = 0
    children: dict[str, _Node] = field(default_factory=dict)


def write_domains(
    folder: Path, settings: DomainSettings, *, recalled: Artifact, pages: Mapping[str, Artifact], url_index: Artifact
) -> dict[str, Json]:
    """Fill `folder` with domains.parquet and prefixes.jsonl, one proposal with its evidence a line."""
    if RecallFacts.of(recalled).converged:
        _write(folder, [], [])
        return {"domains": 0, "candidates": 0, "prefixes": 0, "converged": True}
    newest, collected = NewestRows(pages, url_index), sorted_keys(recalled)
    domains = _domain_rows(newest, collected, settings)
    candidates = {row["domain"] for row in domains if row["candidate"]}
    roots: dict[str, _Node] = defaultdict(_Node)
    for row, is_collected in _rows(newest, collected, ["url_key", "domain", "host", "path", "markers", "words"]):
        if row["domain"] in candidates:
            facts = _Node(pages=1, collected=is_collected, formulas=bool(row["markers"]), words=bool(row["words"]))
            _grow(roots[row["domain"]], segments(row["host"], row["path"], settings.depth), facts)
    chosen = {prefix: node for domain in sorted(roots) for prefix, node in propose(roots[domain], settings)}
    examples = _examples(newest, collected, chosen, candidates, settings)
    shares = {row["domain"]: row for row in domains}
    proposals = [_proposal(prefix, node, examples[prefix], shares) for prefix, node in sorted(chosen.items())]
    _write(folder, domains, proposals)
    return {
        "domains": len(domains),
        "candidates": len(candidates),
        "prefixes": len(proposals),
        "converged": False,
        "top": [row["domain"] for row in sorted(domains, key=lambda row: -row["collected"])[:10] if row["collected"]],
    }


DOMAINS_STAGE = Stage(
    name="domains",
    version="3",
    write=write_domains,
    settings=DomainSettings,
    inputs=("recalled", "pages/*", "url_index"),
    facts=DomainFacts,
    description="The share of each domain that was recalled; over 10 % a domain is mathematical, and its URL prefixes are proposed.",
    kinds=("parquet",),
)


def segments(host: str, path: str, depth: int) -> list[str]:
    """Host, then the folders of the path: a page's own name is no prefix of others, unless it is a script's, with a
    query that names the page (`forum.php?tid=7`)."""
    place, _, query = path.partition("#")[0].partition("?")
    parts = resolved_path(place).strip("/").split("/")
    folders = parts if query else parts[:-1]
    return [host.removeprefix("www."), *(part for part in folders if part)][:depth]


def propose(root: _Node, settings: DomainSettings) -> list[tuple[str, _Node]]:
    """The prefixes in which enough was collected, of the cut of the tree that describes its pages in the fewest bits.

    A prefix costs `prefix_bits` and the entropy of three facts about each of its pages, collected or not, with formulas
    or not, with words of mathematics or not: so it ends where the pages below it are alike, and lecture notes part from the news beside them.
    """
    cut = [_best_cut(child, name, settings)[1] for name, child in sorted(root.children.items())]
    return [
        (prefix, node)
        for prefixes in cut
        for prefix, node in prefixes
        if node.collected >= settings.least_collected and node.collected > settings.candidate_share * node.pages
    ]


def _best_cut(node: _Node, prefix: str, settings: DomainSettings) -> tuple[float, list[tuple[str, _Node]]]:
    """Bits and prefixes of the best cut at or below `prefix`; the shorter prefix wins a tie.

    Pages directly in a folder of which the children part are described by themselves and belong to no prefix, since a
    prefix cannot hold them without the children.
    """
    whole = settings.prefix_bits + _bits(node)
    if not node.children:
        return whole, [(prefix, node)]
    below = [_best_cut(child, f"{prefix}/{name}", settings) for name, child in sorted(node.children.items())]
    children = node.children.values()
    rest = _Node(
        pages=node.pages - sum(child.pages for child in children),
        collected=node.collected - sum(child.collected for child in children),
        formulas=node.formulas - sum(child.formulas for child in children),
        words=node.words - sum(child.words for child in children),
    )
    parted = sum(part[0] for part in below) + (settings.prefix_bits + _bits(rest) if rest.pages else 0.0)
    if whole <= parted:
        return whole, [(prefix, node)]
    return parted, [found for part in below for found in part[1]]


def _bits(node: _Node) -> float:
    """The entropy of the pages' three facts."""
    return sum(_entropy(count, node.pages) for count in (node.collected, node.formulas, node.words))


def _entropy(count: int, total: int) -> float:
    return sum(-part * math.log2(part / total) for part in (count, total - count) if part)


def _grow(root: _Node, path: list[str], facts: _Node) -> None:
    node = root
    for name in path:
        node = node.children.setdefault(name, _Node())
        node.pages += facts.pages
        node.collected += facts.collected
        node.formulas += facts.formulas
        node.words += facts.words


def _rows(newest: NewestRows, collected: object, columns: list[str]) -> Iterator[tuple[dict[str, Json], bool]]:
    for batch in newest.batches(columns):
        found = is_among(key_hashes(batch["url_key"].to_pylist()), collected)  # type: ignore[arg-type]  # an array
        yield from zip(batch.to_pylist(), found.tolist(), strict=True)


def _domain_rows(newest: NewestRows, collected: object, settings: DomainSettings) -> list[dict[str, Json]]:
    pages: Counter[str] = Counter()
    found: Counter[str] = Counter()
    formulas: Counter[str] = Counter()
    hosts: dict[str, set[str]] = defaultdict(set)
    for row, is_collected in _rows(newest, collected, ["url_key", "domain", "host", "markers"]):
        domain = row["domain"]
        pages[domain] += 1
        found[domain] += is_collected
        formulas[domain] += bool(row["markers"])
        hosts[domain].add(row["host"])
    return [
        {
            "domain": domain,
            "hosts": len(hosts[domain]),
            "pages": pages[domain],
            "collected": found[domain],
            "share": found[domain] / pages[domain],
            "with_formulas": formulas[domain],
            "candidate": found[domain] > settings.candidate_share * pages[domain]
            and found[domain] >= settings.least_collected,
        }
        for domain in sorted(pages)
    ]


def _examples(
    newest: NewestRows, collected: object, chosen: Mapping[str, _Node], candidates: set[str], settings: DomainSettings
) -> dict[str, dict[str, list[tuple[int, dict[str, str]]]]]:
    """For each prefix some of its collected and some of its other pages: those whose key hashes come first."""
    examples: dict[str, dict[str, list[tuple[int, dict[str, str]]]]] = {
        prefix: {"collected": [], "uncollected": []} for prefix in chosen
    }
    for row, is_collected in _rows(newest, collected, ["url_key", "url", "domain", "host", "path", "title", "text"]):
        if row["domain"] not in candidates:
            continue
        parts = segments(row["host"], row["path"], settings.depth)
        prefix = next((p for n in range(len(parts), 0, -1) if (p := "/".join(parts[:n])) in examples), None)
        if prefix is not None:
            held = examples[prefix]["collected" if is_collected else "uncollected"]
            shown = {"url": row["url"], "title": row["title"] or "", "text": _excerpt(row["text"] or "")}
            held.append((int(key_hashes([row["url_key"]])[0]), shown))
            if len(held) > 8 * settings.examples:
                held[:] = heapq.nsmallest(settings.examples, held, key=lambda item: item[0])
    return {
        prefix: {
            kind: heapq.nsmallest(settings.examples, held, key=lambda item: item[0]) for kind, held in kinds.items()
        }
        for prefix, kinds in examples.items()
    }


def _excerpt(text: str) -> str:
    """300 characters at most, from where the menus have usually ended."""
    from pipelines.corpus.normalisation import body, excerpt

    return excerpt(body(text[:40_000]), 300)


def _proposal(
    prefix: str,
    node: _Node,
    examples: Mapping[str, list[tuple[int, dict[str, str]]]],
    domains: Mapping[str, dict[str, Json]],
) -> dict[str, Json]:
    host = prefix.partition("/")[0]
    domain = max((name for name in domains if host == name or host.endswith(f".{name}")), key=len, default=host)
    return {
        "prefix": prefix,
        "domain": domain,
        "domain_share": round(domains[domain]["share"], 4) if domain in domains else None,
        "pages": node.pages,
        "collected": node.collected,
        "share": round(node.collected / node.pages, 4),
        "with_formulas": node.formulas,
        "with_words": node.words,
        "examples": {kind: [shown for _, shown in held] for kind, held in examples.items()},
    }


def _write(folder: Path, domains: list[dict[str, Json]], proposals: list[dict[str, Json]]) -> None:
    with atomic_file(folder / "domains.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(domains, schema=DOMAINS), temporary, compression="zstd")
    with atomic_file(folder / "prefixes.jsonl") as temporary:
        temporary.write_text(
            "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in proposals), encoding="utf-8"
        )
