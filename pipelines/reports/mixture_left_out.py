"""What is not in the mixture, to be read: rejected solutions by reason, and examples that give away benchmark problems."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.parquet as pq

from pipelines.storage import Artifact, Json

COLUMNS = ("id", "form", "reason", "detail", "problem", "response")


def rejected_samples(sources: Mapping[str, Artifact], each: int) -> list[dict[str, Any]]:
    """`each` solutions of every source and reason, those of the smallest hashes: the same whatever the order of shards."""
    kept: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for source, artifact in sorted(sources.items()):
        for row in _rejected(artifact):
            rank = hashlib.sha256(row["id"].encode()).hexdigest()
            mine = kept[source, row["reason"]]
            if len(mine) < each or rank < mine[-1][0]:
                mine.append((rank, _shown(source, row)))
                mine.sort(key=lambda pair: pair[0])
                del mine[each:]
    return [sample for _, mine in sorted(kept.items()) for _, sample in mine]


def _rejected(artifact: Artifact) -> Iterator[dict[str, Any]]:
    for path in artifact.files("rejected-*.parquet"):
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=2048, columns=list(COLUMNS)):
                yield from batch.to_pylist()


def _shown(source: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """As a sample of the page: the reason is its outcome."""
    return {
        "id": row["id"],
        "source": source,
        "form": row["form"],
        "language": None,
        "outcome": row["reason"],
        "detail": row["detail"],
        "prompt": row["problem"],
        "response": row["response"],
    }


def leak_figures(mixture: Artifact, shown: int) -> dict[str, Json]:
    """Examples left out by source and rule, and for each rule the first `shown` with the words that agree."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    examples: dict[str, list[dict[str, Json]]] = defaultdict(list)
    for path in mixture.files("contamination.jsonl"):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                hit = json.loads(line)
                counts[hit["source"]][hit["rule"]] += 1
                if len(examples[hit["rule"]]) < shown:
                    examples[hit["rule"]].append({name: hit[name] for name in ("example", "problem", "rule", "span")})
    return {
        "counts": {source: dict(sorted(rules.items())) for source, rules in sorted(counts.items())},
        "examples": [hit for _, hits in sorted(examples.items()) for hit in hits],
    }
