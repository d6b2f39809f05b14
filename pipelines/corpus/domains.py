"""Domains of which much was collected, and the URL prefixes inside them that hold it (DeepSeekMath §2.1).

The prefixes come from a tree of path segments, cut where the pages below a prefix are alike: the smallest set of
prefixes that covers the collected pages and parts them from the others (minimum description length).
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from pathlib import Path

from pydantic import Field

from evaluators.executors import LOCAL, ExecutorSettings
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.domain_passes import DomainPasses, PrefixCount, top_domains, write_domain_table
from pipelines.corpus.page_tables import NewestRows
from pipelines.figures import DomainFacts, RecallFacts
from pipelines.storage import Artifact, Json, atomic_file


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

    def add(self, pages: int, collected: int, formulas: int, words: int) -> None:
        self.pages += pages
        self.collected += collected
        self.formulas += formulas
        self.words += words


def write_domains(
    folder: Path,
    settings: DomainSettings,
    *,
    recalled: Artifact,
    pages: Mapping[str, Artifact],
    url_index: Artifact,
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Json]:
    """Fill `folder` with domains.parquet and prefixes.jsonl, one proposal with its evidence a line."""
    if RecallFacts.of(recalled).converged:
        write_domain_table(folder, [])
        _write_proposals(folder, [])
        return {"domains": 0, "candidates": 0, "prefixes": 0, "converged": True}
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    passes = DomainPasses.of(scratch, NewestRows(pages, url_index), recalled, executor)
    shares = passes.shares(settings.candidate_share, settings.least_collected)
    counts = write_domain_table(folder, shares)
    chosen = _chosen(passes, settings)
    examples = passes.examples({prefix for prefix, _, _ in chosen}, settings.depth, settings.examples)
    domains = passes.domains_named({domain for _, domain, _ in chosen})
    proposals = [
        _proposal(prefix, node, examples.get(prefix, {}), domains)
        for prefix, _, node in sorted(chosen, key=itemgetter(0))
    ]
    _write_proposals(folder, proposals)
    shutil.rmtree(scratch)
    return {**counts, "prefixes": len(proposals), "converged": False, "top": top_domains(folder)}


DOMAINS_STAGE = Stage(
    name="domains",
    version="3",
    write=write_domains,
    settings=DomainSettings,
    inputs=("recalled", "pages/*", "url_index"),
    facts=DomainFacts,
    description="The share of each domain that was recalled; over 10 % a domain is mathematical, and its URL prefixes are proposed.",
    kinds=("parquet",),
    by_shards=True,
)


def _chosen(passes: DomainPasses, settings: DomainSettings) -> list[tuple[str, str, _Node]]:
    """The proposed prefixes of all candidate domains: prefix, domain, what lies below it."""
    found = passes.by_domain(settings.depth, partial(_proposed, settings))
    return [
        (prefix, domain, _Node(pages=pages, collected=collected, formulas=formulas, words=words))
        for domain, prefixes in found
        for prefix, pages, collected, formulas, words in prefixes
    ]


def _proposed(settings: DomainSettings, prefixes: Sequence[PrefixCount]) -> list[PrefixCount]:
    """Of all prefixes of one domain, with their pages, those that are proposed."""
    root = _Node()
    for prefix, *counts in prefixes:
        node = root
        for name in prefix.split("/"):
            node = node.children.setdefault(name, _Node())
            node.add(*counts)
    return [(prefix, node.pages, node.collected, node.formulas, node.words) for prefix, node in propose(root, settings)]


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


def _proposal(
    prefix: str,
    node: _Node,
    examples: Mapping[str, Sequence[Mapping[str, str]]],
    domains: Mapping[str, float],
) -> dict[str, Json]:
    host = prefix.partition("/")[0]
    labels = host.split(".")
    suffixes = (".".join(labels[place:]) for place in range(len(labels)))
    domain = next((name for name in suffixes if name in domains), host)
    return {
        "prefix": prefix,
        "domain": domain,
        "domain_share": round(domains[domain], 4) if domain in domains else None,
        "pages": node.pages,
        "collected": node.collected,
        "share": round(node.collected / node.pages, 4),
        "with_formulas": node.formulas,
        "with_words": node.words,
        "examples": {kind: list(examples.get(kind, ())) for kind in ("collected", "uncollected")},
    }


def _write_proposals(folder: Path, proposals: list[dict[str, Json]]) -> None:
    with atomic_file(folder / "prefixes.jsonl") as temporary:
        temporary.write_text(
            "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in proposals), encoding="utf-8"
        )
