"""Field and topic of every problem of the sources: as the source says, or else as a small classifier that learnt from what they say.

<folder>/fields-00000.parquet    PROBLEM_FIELDS: the problems of which anything is known

One fastText model for fields and one for topics, in each language. A prediction below `confidence` is none. How often those above
it are right is measured on problems that the models did not see: five parts, cut so that problems which differ in numbers alone
share one.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.intervals import wilson
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.fasttext_model import Shape, train_lines
from pipelines.figures import ProblemFieldsFacts
from pipelines.mixtures.fields import field_of
from pipelines.mixtures.topics import field_of_topic
from pipelines.storage import Artifact, Json, atomic_file

What = Literal["field", "topic"]
WHAT: tuple[What, ...] = ("field", "topic")
PARTS = 5
"""Parts of the labelled problems; each is held out once."""
Identity = tuple[str, str]
"""A problem: its source's name in the recipe, and its id, which two sources from files may share."""
Classified = Mapping[Identity, Mapping[str, str]]
"""By problem, columns of EXAMPLES that the classifier fills."""
KnownFields = Mapping[Identity, tuple[str | None, str | None]]
"""Field and topic, whoever says them."""
BATCH = 2048
WORD = re.compile(r"\\[a-z]+|[a-z]+|\d+(?:\.\d+)?|[\u4e00-\u9fff]|[^\s\w]", re.IGNORECASE)
"""A command, a word, a number, a Chinese character or a sign."""
PROBLEM_FIELDS = pa.schema(
    [
        ("source", pa.string()),  # its name in the recipe
        ("problem_id", pa.string()),
        ("field", pa.string()),
        ("field_from", pa.string()),  # source | classifier; null where the field is, as with topics
        ("topic", pa.string()),
        ("topic_from", pa.string()),
    ]
)


class ProblemFieldsSettings(Settings):
    """How fields and topics are told where the source does not say them. No paper describes such a step; all of this is ours."""

    confidence: float = Field(default=0.9, ge=0, le=1)
    """A prediction that is less certain is none. At 0.9 nine of ten are right on MATH-500 and TAL-SCQ5K (docs/verification.md)."""
    accuracy: float = Field(default=0.8, ge=0, le=1)
    """A model of whose held-out predictions above that confidence fewer are right tells nothing at all."""
    per_class: int = Field(default=1000, ge=PARTS)
    """Problems of each class and language that are learnt from at most; more add time and no accuracy."""
    least: int = Field(default=10, ge=PARTS)
    """A class with fewer problems in a language is not learnt there."""
    dim: int = Field(default=32, gt=0)
    epochs: int = Field(default=15, gt=0)
    topic_epochs: int = Field(default=40, gt=0)
    """For topics, of which each has a tenth of a field's problems."""
    learning_rate: float = Field(default=0.3, gt=0)


@dataclass(frozen=True, slots=True)
class Said:
    """A problem of which a source says something, as a model reads it."""

    rank: bytes
    line: str
    label: str


@dataclass(frozen=True, slots=True)
class Guess:
    """What a model says of one problem."""

    label: str
    confidence: float


@dataclass(slots=True)
class _Problem:
    field: str | None
    topic: str | None
    language: str

    def says(self, what: What) -> str | None:
        return self.field if what == "field" else self.topic


def write_problem_fields(
    folder: Path, settings: ProblemFieldsSettings, *, sources: Mapping[str, Artifact]
) -> dict[str, Json]:
    """Learns from what sources say, and tells the others."""
    known = _known(sources)
    silent = {(what, one.language) for one in known.values() for what in WHAT if one.says(what) is None}
    learnt = _learnt_from(sources, known, settings, silent)
    models, held_out = dict[tuple[What, str], Any](), list[Json]()
    for (what, language), said in sorted(learnt.items()):
        classes = {label for label, n in Counter(one.label for one in said).items() if n >= settings.least}
        if len(classes) < 2:
            continue
        measured = _held_out(what, language, said, classes, settings, folder)
        held_out.append(measured)
        if measured["right"] < settings.accuracy * measured["told"]:
            continue
        models[what, language] = _model([one for one in said if one.label in classes], what, settings, folder)
    guessed = _guessed(sources, known, models, settings.confidence)
    _write(folder / "fields-00000.parquet", known, guessed)
    return _facts(known, guessed, held_out, settings)


PROBLEM_FIELDS_STAGE = Stage(
    name="problem_fields",
    version="2",
    write=write_problem_fields,
    settings=ProblemFieldsSettings,
    inputs=("sources/*",),
    facts=ProblemFieldsFacts,
    description="Field and K-12 topic of every problem: from its source where it says, else from a small classifier, or unknown.",
    kinds=("parquet",),
)


def line_of(question: str) -> str:
    """The question as a model reads it: words apart, numbers alike."""
    return " ".join("0" if found[0].isdigit() else found.lower() for found in WORD.findall(question))


def part_of(line: str) -> int:
    """In which part it is held out; the same for lines that are the same."""
    return hashlib.sha256(line.encode()).digest()[0] % PARTS


def _batches(artifact: Artifact, pattern: str, columns: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    for path in artifact.files(pattern):
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=BATCH, columns=list(columns)):
                yield batch.to_pylist()


def _known(sources: Mapping[str, Artifact]) -> dict[Identity, _Problem]:
    """What sources say, by problem; a problem none of whose solutions was kept is known by its subject."""
    known: dict[Identity, _Problem] = {}
    for name, artifact in sorted(sources.items()):
        for rows in _batches(artifact, "problems-*.parquet", ("id", "subject", "language")):
            for row in rows:
                known[name, row["id"]] = _Problem(field_of(row["subject"], None), None, row["language"])
        for rows in _batches(artifact, "examples-*.parquet", ("problem_id", "language", "field", "topic")):
            for row in rows:
                known[name, row["problem_id"]] = _Problem(row["field"], row["topic"], row["language"])
    return known


def _questions(sources: Mapping[str, Artifact]) -> Iterator[tuple[Identity, str]]:
    for name, artifact in sorted(sources.items()):
        for rows in _batches(artifact, "problems-*.parquet", ("id", "question")):
            yield from (((name, row["id"]), row["question"]) for row in rows)


def _learnt_from(
    sources: Mapping[str, Artifact],
    known: Mapping[Identity, _Problem],
    settings: ProblemFieldsSettings,
    wanted: Iterable[tuple[What, str]],
) -> dict[tuple[What, str], list[Said]]:
    """Of each model that is wanted, the problems that it learns from: those of a class with the smallest hashes."""
    kept: dict[tuple[What, str], dict[str, list[tuple[int, Identity, str]]]] = {
        what_and_language: defaultdict(list) for what_and_language in wanted
    }
    if not kept:
        return {}
    for identity, question in _questions(sources):
        one = known[identity]
        for what in WHAT:
            label, heaps = one.says(what), kept.get((what, one.language))
            if label is None or heaps is None:
                continue
            rank = int.from_bytes(hashlib.sha256("/".join(identity).encode()).digest()[:8], "big")
            push = heapq.heappush if len(heaps[label]) < settings.per_class else heapq.heappushpop
            push(heaps[label], (-rank, identity, line_of(question)))
    return {
        key: sorted(
            (Said((-rank).to_bytes(8, "big"), line, label) for label, heap in heaps.items() for rank, _, line in heap),
            key=lambda said: (said.rank, said.line),
        )
        for key, heaps in kept.items()
    }


def _model(said: Sequence[Said], what: What, settings: ProblemFieldsSettings, folder: Path) -> Any:
    """Of problems in the order of their hashes, which mixes the classes."""
    shape = Shape(
        dim=settings.dim,
        learning_rate=settings.learning_rate,
        ngrams=2,
        least_count=1,
        epochs=settings.epochs if what == "field" else settings.topic_epochs,
        bucket=1 << 16,
    )
    lines = [f"__label__{one.label} {one.line}" for one in _balanced(said)]
    return train_lines(lines, shape, folder / "lines.tmp")


def _balanced(said: Sequence[Said]) -> list[Said]:
    """Small classes repeated up to half of the largest: else they are never certain, as algebra is five of MATH's seven subjects."""
    sizes = Counter(one.label for one in said)
    largest = max(sizes.values())
    copies = {label: max(1, round(largest / 2 / size)) for label, size in sizes.items()}
    rounds = range(max(copies.values()))
    return [one for number in rounds for one in said if number < copies[one.label]]


def guesses(model: Any, lines: Sequence[str]) -> list[Guess]:
    labels, shares = model.predict(list(lines), k=1)
    return [
        Guess(label[0].removeprefix("__label__"), float(share[0])) if len(label) else Guess("", 0.0)
        for label, share in zip(labels, shares, strict=True)
    ]


def _held_out(
    what: What,
    language: str,
    said: Sequence[Said],
    classes: set[str],
    settings: ProblemFieldsSettings,
    folder: Path,
) -> dict[str, Any]:
    """Every problem guessed by a model that saw none of its part. Classes that are not learnt count as missed."""
    pairs: list[tuple[str, Guess]] = []
    parts = [part_of(one.line) for one in said]
    for part in range(PARTS):
        seen = [one for one, own in zip(said, parts, strict=True) if own != part and one.label in classes]
        asked = [one for one, own in zip(said, parts, strict=True) if own == part]
        if seen and asked:
            model = _model(seen, what, settings, folder)
            pairs += zip([one.label for one in asked], guesses(model, [one.line for one in asked]), strict=True)
    told = [(label, guess.label) for label, guess in pairs if guess.confidence >= settings.confidence]
    return {
        "what": what,
        "language": language,
        "classes": len(classes),
        "problems": len(pairs),
        "right_if_all_are_told": sum(label == guess.label for label, guess in pairs),
        **_accuracy(told),
        "by_class": [
            {
                "name": name,
                "problems": sum(label == name for label, _ in pairs),
                "found": sum(label == name == guess for label, guess in told),
                **_accuracy([pair for pair in told if pair[1] == name]),
            }
            for name in sorted({label for label, _ in pairs})
        ],
    }


def _accuracy(told: Sequence[tuple[str, str]]) -> dict[str, Json]:
    """Of what was told: how much of it is right, with Wilson's interval at 95 %."""
    right = sum(label == guess for label, guess in told)
    interval = wilson(right, len(told))
    return {"told": len(told), "right": right, "low": round(interval.low, 4), "high": round(interval.high, 4)}


def _guessed(
    sources: Mapping[str, Artifact],
    known: Mapping[Identity, _Problem],
    models: Mapping[tuple[What, str], Any],
    confidence: float,
) -> dict[Identity, dict[What, str]]:
    """By problem, what its source does not say and a model is certain of. A topic must be one of the problem's field."""
    found: dict[Identity, dict[What, str]] = defaultdict(dict)
    for what in WHAT if models else ():
        waiting: dict[str, list[tuple[Identity, str]]] = defaultdict(list)
        for identity, question in _questions(sources):
            one = known[identity]
            if one.says(what) is None and (what, one.language) in models:
                waiting[one.language].append((identity, line_of(question)))
                if len(waiting[one.language]) == BATCH:
                    _guess(models[what, one.language], waiting.pop(one.language), what, confidence, found)
        for language, left in waiting.items():
            _guess(models[what, language], left, what, confidence, found)
    for identity, told in list(found.items()):
        field = known[identity].field or told.get("field")
        if "topic" in told and field not in (None, field_of_topic(told["topic"])):
            del told["topic"]
        elif "topic" in told and field is None:
            told["field"] = field_of_topic(told["topic"])
        if not told:
            del found[identity]
    return dict(found)


def _guess(
    model: Any,
    asked: Sequence[tuple[Identity, str]],
    what: What,
    confidence: float,
    found: dict[Identity, dict[What, str]],
) -> None:
    for (identity, _), guess in zip(asked, guesses(model, [line for _, line in asked]), strict=True):
        if guess.confidence >= confidence:
            found[identity][what] = guess.label


def _write(path: Path, known: Mapping[Identity, _Problem], guessed: Mapping[Identity, Mapping[What, str]]) -> None:
    with atomic_file(path) as temporary, pq.ParquetWriter(temporary, PROBLEM_FIELDS, compression="zstd") as writer:
        rows: list[dict[str, Any]] = []
        for identity, one in known.items():
            told = guessed.get(identity, {})
            row: dict[str, Any] = {"source": identity[0], "problem_id": identity[1]}
            for what in WHAT:
                said = one.says(what)
                row[what] = said or told.get(what)
                row[f"{what}_from"] = "source" if said else "classifier" if what in told else None
            if row["field"] or row["topic"]:
                rows.append(row)
            if len(rows) == 50_000:
                writer.write_table(pa.Table.from_pylist(rows, schema=PROBLEM_FIELDS))
                rows.clear()
        writer.write_table(pa.Table.from_pylist(rows, schema=PROBLEM_FIELDS))


def _facts(
    known: Mapping[Identity, _Problem],
    guessed: Mapping[Identity, Mapping[What, str]],
    held_out: Sequence[Json],
    settings: ProblemFieldsSettings,
) -> dict[str, Json]:
    said = {what: sum(one.says(what) is not None for one in known.values()) for what in WHAT}
    told = {what: sum(what in one for one in guessed.values()) for what in WHAT}
    return {
        "rows": len(known),
        "confidence": settings.confidence,
        "from": {
            what: {"source": said[what], "classifier": told[what], "unknown": len(known) - said[what] - told[what]}
            for what in WHAT
        },
        "held_out": list(held_out),
    }


def classified(artifact: Artifact | None) -> Classified:
    """What the classifier told of each problem, as columns of EXAMPLES; nothing of what its source says."""
    found: dict[Identity, Mapping[str, str]] = {}
    shared: dict[
        tuple[tuple[str, str], ...], Mapping[str, str]
    ] = {}  # few are different, and there may be a million problems
    for rows in _batches(artifact, "fields-*.parquet", PROBLEM_FIELDS.names) if artifact is not None else ():
        for row in rows:
            told = {what: row[what] for what in WHAT if row[f"{what}_from"] == "classifier"}
            if told:
                columns = told | {f"{what}_from": "classifier" for what in told}
                found[row["source"], row["problem_id"]] = shared.setdefault(tuple(columns.items()), columns)
    return found


def known_fields(artifact: Artifact | None) -> KnownFields:
    """Field and topic of each problem of which anything is known, whoever says it."""
    if artifact is None:
        return {}
    rows = _batches(artifact, "fields-*.parquet", ("source", "problem_id", "field", "topic"))
    return {(row["source"], row["problem_id"]): (row["field"], row["topic"]) for batch in rows for row in batch}
