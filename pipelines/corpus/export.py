"""The corpus to train on: Parquet shards with provenance, a data card, and a ledger of what was dropped and why."""

from __future__ import annotations

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.data_card import CorpusFigures, write_data_card
from pipelines.corpus.near_duplicates import NearDuplicateSettings
from pipelines.corpus.normalisation import excerpt
from pipelines.corpus.page_tables import CorpusError, TableWriter, estimated_tokens, table_batches
from pipelines.corpus.quality import Judged, QualitySettings, judge
from pipelines.records import DOCUMENTS, LEDGER
from pipelines.storage import Artifact, Json, atomic_file


class ExportSettings(Settings):
    """Quality rules, and how the corpus is cut and described."""

    quality: QualitySettings = QualitySettings()
    least_tier: int = Field(
        default=1, ge=0, le=3
    )  # 1: pages that are mathematics; 2 good, 3 best; 0: whatever the loop kept
    token_budget: int | None = Field(default=None, gt=0)  # filled best first: by tier, then by what a page teaches
    shard_rows: int = Field(default=50_000, gt=0)  # about 300 MB of text
    title: str = "Mathematics from the web"
    licence: str = "other"  # pages belong to their authors; the data card says so


@dataclass(slots=True)
class _Verdicts:
    """What becomes of each row of the extracted table: its reason and detail, empty where it is exported."""

    reasons: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    dropped_lines: Counter[str] = field(default_factory=Counter)


def write_math_corpus(
    folder: Path,
    settings: ExportSettings,
    *,
    extracted: Artifact,
    near_duplicates: Artifact,
    contamination: Artifact,
    worth: Artifact | None = None,
) -> dict[str, Json]:
    """Fill `folder` with data/*.parquet (DOCUMENTS), ledger/*.parquet (LEDGER), README.md and plots.

    Without `worth` no page is left out for what it says, and none has a tier.
    Raises CorpusError if a page with a benchmark's text is left, or if not every page is accounted for.
    """
    contaminated = _contaminated(contamination)
    worths = Worths.of(worth, extracted) if worth is not None else None
    verdicts = _judge(settings, extracted, near_duplicates, contaminated, worths)
    for name in ("data", "ledger"):
        (folder / name).mkdir(exist_ok=True)
    writer = TableWriter(folder / "data", "documents", DOCUMENTS, settings.shard_rows)
    ledger, figures, row = TableWriter(folder / "ledger", "ledger", LEDGER), CorpusFigures(), 0
    exported: set[str] = set()
    for batch, clusters in _with_clusters(extracted, near_duplicates):
        documents, entries = [], []
        for values, cluster in zip(batch, clusters, strict=True):
            reason, detail = verdicts.reasons[row], verdicts.details[row]
            row += 1
            if reason:
                stage = _STAGES.get(reason, "quality")
                entries.append({"url_key": values["url_key"], "stage": stage, "reason": reason, "detail": detail})
                continue
            document = _document(values, cluster, settings) | (worths.of_row(row - 1) if worths is not None else {})
            exported.add(document["url_key"])
            figures.add(document)
            documents.append(document)
        writer.write(documents)
        ledger.write(entries)
    _raise_if_contaminated(exported & contaminated.keys())
    rows, dropped = writer.close(), ledger.close()
    if rows + dropped != row:
        raise CorpusError(f"the export lost pages: expected {row} in all; found {rows} exported and {dropped} dropped")
    reasons = dict(sorted(Counter(filter(None, verdicts.reasons)).items()))
    facts: dict[str, Json] = {"rows": rows, "tokens": figures.tokens, "dropped": dropped, "contamination_left": 0}
    facts |= {f"dropped_{reason.replace(' ', '_')}": count for reason, count in reasons.items()}
    facts["tiers"] = {str(tier): figures.pages_by_tier[tier] for tier in sorted(figures.pages_by_tier)}
    facts["tokens_by_tier"] = {str(tier): figures.tokens_by_tier[tier] for tier in sorted(figures.tokens_by_tier)}
    facts["examples"] = {str(tier): figures.examples[tier] for tier in sorted(figures.examples)}
    facts |= {
        "lines_dropped": sum(verdicts.dropped_lines.values()),
        "languages": dict(sorted(figures.languages.items())),
    }
    write_data_card(folder, figures, title=settings.title, licence=settings.licence, dropped=reasons)
    with atomic_file(folder / "figures.json") as temporary:
        temporary.write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    return facts


MATH_CORPUS = Stage(
    name="math_corpus",
    version="8",
    write=write_math_corpus,
    settings=ExportSettings,
    inputs=("extracted", "near_duplicates", "contamination", "worth?"),
    description="The corpus to train on: documents with provenance, a data card, and a ledger of what was dropped and why.",
    kinds=("parquet", "huggingface"),
)


_STAGES = {
    "contamination": "decontamination",
    "near-duplicate": "near_duplicates",
    "no mathematics": "worth",
    "lower tier": "worth",
    "token budget": "worth",
}


def _judge(
    settings: ExportSettings,
    extracted: Artifact,
    near_duplicates: Artifact,
    contaminated: dict[str, str],
    worths: Worths | None,
) -> _Verdicts:
    """Quality and contamination by page; then a duplicate is dropped where the page that stays for it is in the corpus."""
    verdicts = _Verdicts()
    duplicates: dict[int, dict[str, Json]] = {}
    gone: set[str] = set()
    row = 0
    for batch, clusters in _with_clusters(extracted, near_duplicates):
        for values, cluster in zip(batch, clusters, strict=True):
            judged = judge(values["text"] or "", settings.quality)
            verdicts.dropped_lines.update(judged.dropped_lines)
            reason, detail = _page_verdict(values["url_key"], judged, contaminated)
            if not reason and worths is not None:
                reason, detail = worths.verdict(row, settings.least_tier)
            verdicts.reasons.append(reason)
            verdicts.details.append(detail)
            if not cluster["kept"] and not reason:
                duplicates[row] = cluster
            elif cluster["kept"] and reason and cluster["cluster_size"] > 1:
                gone.add(cluster["url_key"])
            row += 1
    orphans: dict[str, list[int]] = defaultdict(list)
    for row, cluster in duplicates.items():
        if cluster["kept_url_key"] in gone:
            orphans[cluster["kept_url_key"]].append(row)
        else:
            verdicts.reasons[row] = "near-duplicate"
            verdicts.details[row] = f"of {cluster['kept_url_key']}, which stays: {_alike(cluster)}"
    _judge_orphans(verdicts, orphans, extracted, near_duplicates)
    if settings.token_budget is not None and worths is not None:
        _fill_budget(verdicts, worths, settings.token_budget)
    return verdicts


def _alike(cluster: Mapping[str, Json]) -> str:
    return f"{cluster['similarity']:.2f} alike, {cluster['contained']:.2f} of it stands there"


def _judge_orphans(
    verdicts: _Verdicts, orphans: Mapping[str, list[int]], extracted: Artifact, near_duplicates: Artifact
) -> None:
    """Duplicates of a page that was dropped for another reason: of those the best stay."""
    if not orphans:
        return
    from pipelines.corpus.duplicate_orphans import duplicates_among

    wanted = {row for rows in orphans.values() for row in rows}
    pages: dict[int, dict[str, Json]] = {}
    first = 0
    for batch in table_batches(extracted, ["url_key", "text", "truncated", "formulas"]):
        for row in wanted & set(range(first, first + batch.num_rows)):
            pages[row] = batch.slice(row - first, 1).to_pylist()[0]
        first += batch.num_rows
    rules = NearDuplicateSettings.model_validate(near_duplicates.facts["rules"])
    for rows in orphans.values():
        for place, other in duplicates_among([pages[row] for row in rows], rules).items():
            verdicts.reasons[rows[place]] = "near-duplicate"
            verdicts.details[rows[place]] = f"of {pages[rows[other]]['url_key']}, which stays"


def _fill_budget(verdicts: _Verdicts, worths: Worths, budget: int) -> None:
    """Best first, until the next page would go beyond the budget."""
    left = [row for row, reason in enumerate(verdicts.reasons) if not reason]
    taken = 0
    for place, row in enumerate(sorted(left, key=worths.rank)):
        taken += worths.tokens[row]
        if taken > budget:
            for beyond in sorted(left, key=worths.rank)[place:]:
                verdicts.reasons[beyond] = "token budget"
                verdicts.details[beyond] = f"{budget:,} tokens were filled with pages that teach more"
            return


def _page_verdict(key: str, judged: Judged, contaminated: dict[str, str]) -> tuple[str, str]:
    if key in contaminated:
        return "contamination", contaminated[key]
    return judged.reason or "", judged.detail


def _contaminated(contamination: Artifact) -> dict[str, str]:
    """The pages that must not be exported, each with its first hit."""
    found: dict[str, str] = {}
    for batch in table_batches(contamination):
        for hit in batch.to_pylist():
            if hit["dropped"]:
                found.setdefault(hit["url_key"], f"{hit['problem_id']} ({hit['part']}): {excerpt(hit['span'], 200)}")
    return found


def _raise_if_contaminated(left: set[str]) -> None:
    if left:
        raise CorpusError(
            f"expected no page with a benchmark's text in the export; found {len(left)}, e.g. {min(left)}. Make the "
            "contamination artifact of this extraction again."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Worths:
    """The worth of every extracted row, in its order: 20 bytes each."""

    mathematics: Sequence[float]
    teaching: Sequence[float]
    tiers: Sequence[int]
    tokens: Sequence[int]

    @classmethod
    def of(cls, worth: Artifact, extracted: Artifact) -> Worths:
        """Raises CorpusError where it is the worth of other pages."""
        columns: dict[str, array[Any]] = {"mathematics": array("f"), "teaching": array("f"), "tier": array("i")}
        columns["tokens"] = array("l")
        keys = (key for batch in table_batches(extracted, ["url_key"]) for key in batch["url_key"].to_pylist())
        for batch in table_batches(worth):
            for key in batch["url_key"].to_pylist():
                if (other := next(keys, None)) != key:
                    _raise_other_pages(worth, extracted, f"{key} beside {other}")
            for name, column in columns.items():
                column.extend(batch[name].to_pylist())
        if (other := next(keys, None)) is not None:
            _raise_other_pages(worth, extracted, f"none of {other}")
        return cls(
            mathematics=columns["mathematics"],
            teaching=columns["teaching"],
            tiers=columns["tier"],
            tokens=columns["tokens"],
        )

    def verdict(self, row: int, least_tier: int) -> tuple[str, str]:
        """Why a page is left out for what it says; empty where it is not."""
        if self.tiers[row] >= least_tier:
            return "", ""
        if self.tiers[row] == 0:
            return "no mathematics", f"log-odds {self.mathematics[row]:.1f}"
        return "lower tier", f"tier {self.tiers[row]}: it teaches {self.teaching[row]:.1f} of 5"

    def rank(self, row: int) -> tuple[float, ...]:
        """The better a page, the smaller."""
        return -self.tiers[row], -self.teaching[row], -self.mathematics[row], row

    def of_row(self, row: int) -> dict[str, Json]:
        """Its columns of DOCUMENTS."""
        return {"mathematics": self.mathematics[row], "teaching": self.teaching[row], "tier": self.tiers[row]}


def _raise_other_pages(worth: Artifact, extracted: Artifact, found: str) -> None:
    raise CorpusError(
        f"{worth.location}: expected the worth of {extracted.location} row by row; found {found}. Make worth again."
    )


def _with_clusters(
    extracted: Artifact, near_duplicates: Artifact
) -> Iterator[tuple[list[dict[str, Json]], list[dict[str, Json]]]]:
    """Rows of the two tables side by side. Raises CorpusError where they are not of one extraction."""
    clusters = (row for batch in table_batches(near_duplicates) for row in batch.to_pylist())
    for batch in table_batches(extracted):
        rows = batch.to_pylist()
        beside = [next(clusters, None) for _ in rows]
        for row, cluster in zip(rows, beside, strict=True):
            if cluster is None or cluster["url_key"] != row["url_key"]:
                raise CorpusError(
                    f"{near_duplicates.path}: expected the clusters of {extracted.path} row by row; found "
                    f"{cluster and cluster['url_key']} beside {row['url_key']}. Make near_duplicates again."
                )
        yield rows, [cluster for cluster in beside if cluster is not None]


def _document(row: dict[str, Json], cluster: dict[str, Json], settings: ExportSettings) -> dict[str, Json]:
    text = judge(row["text"], settings.quality).text
    return {name: row.get(name) for name in DOCUMENTS.names} | {
        "text": text,
        "score": None if row["margin"] is None else float(np.float32(row["margin"])),
        "tokens": estimated_tokens(pa.array([text], pa.large_string()))[0].as_py(),  # of this text, not the cheap one
        "cluster": cluster["cluster"],
        "cluster_size": cluster["cluster_size"],
    }
