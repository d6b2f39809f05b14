"""Two exported corpora compared page by page: what came in, what went out and why, what says something else now.

diff.json      the figures, with examples
report.html    the same to read; opens offline
"""

from __future__ import annotations

import html
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.stages import Stage
from pipelines.corpus.normalisation import excerpt
from pipelines.corpus.page_tables import BATCH, CorpusError, is_among
from pipelines.storage import Artifact, Json, atomic_file

CHANGES = ("in", "out", "changed")
GROUPED = ("domain", "language", "tier")
EXAMPLES = 5
TOP = 15
"""Domains told; a corpus has a million."""
NOT_COLLECTED = "not collected"
LONGEST = 160  # characters of an example's text
Hashes = npt.NDArray[np.uint64]


@dataclass(slots=True)
class _Tally:
    """Of one kind of change."""

    pages: int = 0
    tokens: int = 0
    groups: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    tokens_of: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Json]] = field(default_factory=list)

    def add(self, table: pa.Table) -> None:
        tokens = table["tokens"].to_pylist() if "tokens" in table.schema.names else [0] * table.num_rows
        self.pages += table.num_rows
        self.tokens += sum(count or 0 for count in tokens)
        for name in set(GROUPED) & set(table.schema.names):
            if name == "tier" and table[name].null_count == table.num_rows:
                continue  # nothing judged what a page of this corpus is worth
            values = [str(value) if value is not None else "unknown" for value in table[name].to_pylist()]
            self.groups[name].update(values)
            for value, count in zip(values, tokens, strict=True):
                self.tokens_of[name][value] += count or 0
        if room := EXAMPLES - len(self.examples):
            self.examples += [_example(row) for row in table.slice(0, room).to_pylist()]

    def as_json(self) -> dict[str, Json]:
        told: dict[str, Json] = {"pages": self.pages, "tokens": self.tokens}
        for name, counts in sorted(self.groups.items()):
            order = sorted(counts, key=lambda value, counts=counts: (-counts[value], value))[:TOP]  # type: ignore[misc]
            told[f"by_{name}"] = {
                value: {"pages": counts[value], "tokens": self.tokens_of[name][value]} for value in order
            }
            told[f"{name}s"] = len(counts)
        return told | {"reasons": dict(self.reasons.most_common()), "examples": self.examples}


@dataclass(frozen=True, slots=True)
class _Known:
    """A corpus as hashes of its keys, sorted, and of their texts."""

    keys: Hashes
    texts: Hashes

    def has(self, keys: Hashes) -> npt.NDArray[np.bool_]:
        return is_among(keys, self.keys)

    def says(self, keys: Hashes, texts: Hashes) -> npt.NDArray[np.bool_]:
        """Which of these pages, all of which it has, have the same text."""
        same: npt.NDArray[np.bool_] = self.texts[np.searchsorted(self.keys, keys)] == texts
        return same


def compare_corpora(before: Artifact | None, after: Artifact) -> dict[str, Json]:
    """Pages and tokens in, out and changed, by domain, language, tier and reason, with examples; and contamination.

    Only hashes of keys and texts are held. Raises CorpusError where a folder is no corpus.
    """
    old, new = _known(before), _known(after)
    tallies = {change: _Tally() for change in CHANGES}
    unchanged = 0
    for table, keys, texts in _pages(after):
        there = old.has(keys)
        tallies["in"].add(table.filter(pa.array(~there)))
        differs = there.copy()
        differs[there] = ~old.says(keys[there], texts[there])
        tallies["changed"].add(table.filter(pa.array(differs)))
        unchanged += int((there & ~differs).sum())
    for table, keys, _ in _pages(before):
        tallies["out"].add(table.filter(pa.array(~new.has(keys))))
    for change, here, ledger in (("in", new, before), ("out", old, after)):
        _explain(tallies[change], _missing(here, old if here is new else new), ledger)
    told: dict[str, Json] = {change: tally.as_json() for change, tally in tallies.items()}
    sizes = {name: _size(corpus) for name, corpus in (("before", before), ("after", after))}
    return {**sizes, **told, "unchanged": unchanged, "contamination": _contamination(before, after, old, new)}


def write_corpus_diff(
    folder: Path, *, math_corpus: Artifact, before: str | None, earlier: Callable[[], Artifact | None]
) -> dict[str, Json]:
    """diff.json and report.html against the corpus that was exported before, which `earlier` gives; `before` is its content."""
    previous = earlier() if before is not None else None
    told = compare_corpora(previous, math_corpus)
    with atomic_file(folder / "diff.json") as temporary:
        temporary.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    with atomic_file(folder / "report.html") as temporary:
        temporary.write_text(as_html(told), encoding="utf-8")
    counts = {f"{part}_{change}": told[change][part] for change in CHANGES for part in ("pages", "tokens")}
    return {"first": previous is None, "unchanged": told["unchanged"], **counts, **told["contamination"]}


CORPUS_DIFF = Stage(
    name="corpus_diff",
    version="2",
    write=write_corpus_diff,
    inputs=("math_corpus",),
    description="What came into the corpus and what left it since it was exported last: pages and tokens by domain, language, "
    "tier and reason, with examples.",
    kinds=("json", "html"),
)


def _tables(corpus: Artifact | None) -> list[Path]:
    if corpus is None:
        return []
    found = corpus.files("data/*.parquet") or corpus.files("*.parquet")
    if not found:
        raise CorpusError(
            f"{corpus.location}: expected an exported corpus (data/*.parquet); found none. Name the folder of a math_corpus."
        )
    return found


def _pages(corpus: Artifact | None) -> Iterator[tuple[pa.Table, Hashes, Hashes]]:
    """Rows of a corpus with the hashes of their keys and texts."""
    from pipelines.key_hash import hash_strings

    for path in _tables(corpus):
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            key = next((name for name in ("url_key", "url") if name in names), None)
            if key is None or "text" not in names:
                raise CorpusError(f"{path}: expected the columns url and text; found {', '.join(names)}.")
            wanted = [name for name in ("url", "title", "text", "tokens", "score", *GROUPED) if name in names]
            for batch in file.iter_batches(batch_size=BATCH, columns=list(dict.fromkeys([key, *wanted]))):
                table = pa.Table.from_batches([batch])
                yield table, hash_strings(table[key]), hash_strings(table["text"])


def _known(corpus: Artifact | None) -> _Known:
    keys, texts = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    for _, own, said in _pages(corpus):
        keys.append(own)
        texts.append(said)
    joined = np.concatenate(keys)
    order = np.argsort(joined, kind="stable")
    return _Known(joined[order], np.concatenate(texts)[order])


def _size(corpus: Artifact | None) -> dict[str, Json]:
    tally = _Tally()
    for path in _tables(corpus):
        with pq.ParquetFile(path) as file:
            names = [name for name in ("tokens",) if name in file.schema_arrow.names]
            tally.pages += file.metadata.num_rows
            for batch in file.iter_batches(columns=names) if names else ():
                tally.tokens += sum(count or 0 for count in batch["tokens"].to_pylist())
    return {"pages": tally.pages, "tokens": tally.tokens}


def _missing(here: _Known, there: _Known) -> Hashes:
    """The keys of one corpus that the other has not, sorted."""
    return here.keys[~there.has(here.keys)]


def _ledger(corpus: Artifact | None) -> Iterator[tuple[pa.Table, Hashes]]:
    from pipelines.key_hash import hash_strings

    for path in corpus.files("ledger/*.parquet") if corpus is not None else ():
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH, columns=["url_key", "stage", "reason"]):
                table = pa.Table.from_batches([batch])
                yield table, hash_strings(table["url_key"])


def _explain(tally: _Tally, missing: Hashes, ledger: Artifact | None) -> None:
    """Why the pages of one corpus are not in the other: what the other's ledger says of them."""
    explained: set[int] = set()
    for table, keys in _ledger(ledger):
        here = is_among(keys, missing)
        for key, stage, reason in zip(
            keys[here].tolist(),
            table["stage"].filter(pa.array(here)).to_pylist(),
            table["reason"].filter(pa.array(here)).to_pylist(),
            strict=True,
        ):
            if key not in explained:
                explained.add(key)
                tally.reasons[reason if stage == reason else f"{stage}: {reason}"] += 1
    if left := len(missing) - len(explained):
        tally.reasons[NOT_COLLECTED] += left


def _contamination(before: Artifact | None, after: Artifact, old: _Known, new: _Known) -> dict[str, Json]:
    """Pages that each corpus dropped for a benchmark's text, and those that the other one holds."""
    told: dict[str, Json] = {}
    for name, corpus, other in (("before", before, new), ("after", after, old)):
        dropped = held = 0
        for table, keys in _ledger(corpus):
            mine = np.array([reason == "contamination" for reason in table["reason"].to_pylist()], np.bool_)
            dropped += int(mine.sum())
            held += int(other.has(keys[mine]).sum())
        told[f"contaminated_{name}"] = dropped
        told[f"contaminated_{name}_held_{'after' if name == 'before' else 'before'}"] = held
    return told


def _example(row: Mapping[str, Json]) -> dict[str, Json]:
    told = {name: row[name] for name in ("url", "title", "tokens", *GROUPED) if row.get(name) is not None}
    return {**told, "text": excerpt(row["text"] or "", LONGEST)}


def as_text(told: Mapping[str, Json]) -> str:
    """For a terminal."""
    before, after = told["before"], told["after"]
    lines = [
        f"before {before['pages']:>12,} pages {before['tokens']:>16,} tokens",
        f"after  {after['pages']:>12,} pages {after['tokens']:>16,} tokens   ({told['unchanged']:,} pages unchanged)",
    ]
    for change in CHANGES:
        one = told[change]
        lines.append(f"\n{change:<7}{one['pages']:>12,} pages {one['tokens']:>16,} tokens")
        lines += [f"    {count:>10,}  {reason}" for reason, count in one["reasons"].items()]
        for name in GROUPED:
            groups = one.get(f"by_{name}", {})
            shown = ", ".join(f"{value} {counts['pages']:,}" for value, counts in groups.items())
            if shown:
                rest = one[f"{name}s"] - len(groups)
                lines.append(f"    by {name}: {shown}{f' and {rest:,} more' if rest else ''}")
        lines += [f"    e.g. {example.get('url', '')}: {example['text'][:80]}" for example in one["examples"][:3]]
    lines.append("\ncontamination: " + ", ".join(f"{name} {count:,}" for name, count in told["contamination"].items()))
    return "\n".join(lines)


def as_html(told: Mapping[str, Json]) -> str:
    """One page without anything to fetch."""
    rows = "".join(
        f"<tr><th>{change}<td>{told[change]['pages']:,}<td>{told[change]['tokens']:,}"
        f"<td>{html.escape(', '.join(f'{reason} {count:,}' for reason, count in told[change]['reasons'].items()))}"
        for change in CHANGES
    )
    parts = [f"<h1>Corpus: what changed</h1><table><tr><th><th>pages<th>tokens<th>reasons{rows}</table>"]
    for change in CHANGES:
        examples = "".join(
            f"<li><b>{html.escape(str(one.get('url', '')))}</b><br>{html.escape(one['text'])}"
            for one in told[change]["examples"]
        )
        parts.append(f"<h2>{change}</h2><ul>{examples or '<li>none'}</ul>")
    style = "body{font:15px sans-serif;max-width:60em;margin:2em auto}td,th{padding:.3em .8em;text-align:left}"
    text = html.escape(as_text(told))
    return f"<!doctype html><meta charset=utf-8><title>Corpus diff</title><style>{style}</style>{''.join(parts)}<pre>{text}</pre>\n"
