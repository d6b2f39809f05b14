"""The page classifier: fastText on the corpus so far against random pages (DeepSeekMath §2.1).

The crawl's pages are not negatives but *unlabelled*: the mathematics to be found is among them. So whatever is known
to be mathematics is left out (collected pages, pages with formulas in their markup or words of mathematics in their
sentences), and so is what looks like it:
each domain is scored by a model that never saw it (negatives are folded by domain), and pages that this model takes
for mathematics, or whole domains with many such pages, are not taught as negatives. Lines that a host repeats from
page to page are left out of what is learnt, or one site's menu would be the best sign of mathematics.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from pydantic import Field

from evaluators.executors import LocalExecutor, run_shards
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.classifier_report import classifier_report
from pipelines.corpus.fasttext_training import Shape, train
from pipelines.corpus.linear import LinearClassifier
from pipelines.corpus.normalisation import CHARACTERS, MENU, line
from pipelines.corpus.page_tables import CorpusError, NewestRows, is_among, key_hashes, sorted_keys, table_batches
from pipelines.figures import CorpusFacts, LoopFacts
from pipelines.storage import Artifact, Json, atomic_file, file_digest

OVERSAMPLED = 3
"""Candidates for each negative, so that there is a choice of languages and lengths."""


REPEATED = 0.3
"""Share of a host's pages: a line on more of them is its frame, not what a page says."""
FEW = 5
"""Pages of a domain, below which nothing can be said of the domain and each page speaks for itself."""


class ClassifierSettings(Settings):
    """The paper's fastText, and how its negatives are chosen."""

    positives: int = Field(default=500_000, gt=0)  # §2.1: "randomly select 500,000 data points from the seed"
    negatives: int = Field(default=500_000, gt=0)  # §2.1: "another 500,000 web pages from Common Crawl"
    dim: int = Field(default=256, gt=0)  # §2.1
    learning_rate: float = Field(default=0.1, gt=0)  # §2.1
    ngrams: int = Field(default=3, ge=1)  # §2.1: "the maximum length of word n-gram to 3"
    least_count: int = Field(default=3, ge=1)  # §2.1: "the minimum number of word occurrences to 3"
    epochs: int = Field(default=3, ge=1)  # §2.1
    bucket: int = Field(default=2_000_000, gt=0)  # fastText's default
    least_updates: int = 40_000  # a small seed gets more epochs until it has had as many; the paper's has 3 million
    characters: int = Field(default=CHARACTERS, gt=0)  # of a page's body, in training and in scoring
    folds: int = Field(default=4, ge=2)  # of the held-out figures and of the search for look-alikes
    known_math_markers: int = Field(default=1, ge=1)  # a page with so many formulas in its HTML is no negative
    # A domain of whose pages so many carry formulas is known mathematics: none of its pages is a negative.
    known_math_share: float = Field(default=0.2, gt=0, le=1)
    # Nor is one of which more than a share looks like mathematics, if some of its pages carry formulas.
    lookalike_share: float = Field(default=0.15, gt=0, le=1)
    lookalike_formulas: float = Field(default=0.1, ge=0, le=1)
    other_language_share: float = Field(default=0.5, ge=0, le=1)  # at most, of negatives in languages without positives


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One training page."""

    key: int  # hash of its URL key
    domain: str
    host: str
    language: str
    text: str


def write_classifier(
    folder: Path,
    settings: ClassifierSettings,
    *,
    positives: Artifact,
    pages: Mapping[str, Artifact],
    url_index: Artifact,
    worth: Artifact | None = None,
) -> dict[str, Json]:
    """Fill `folder` with classifier.bin, its collapsed form (linear.py) and report.json.

    Raises CorpusError where a class is empty.
    """
    if CorpusFacts.of(positives).converged:
        return {"converged": True}
    known = sample_positives(positives, settings, worth)
    if not known:
        raise CorpusError(f"{positives.path}: expected pages with text to learn from; found none. Give a larger seed.")
    formulas = _FormulaShares()
    unlabelled = sample_unlabelled(NewestRows(pages, url_index), settings, positives, formulas)
    if not unlabelled:
        raise CorpusError(
            "the classifier needs negatives: expected crawl pages that are not known mathematics; found none. "
            "Add a snapshot, or sites that are not about mathematics."
        )
    balanced = balance(known, unlabelled, settings)
    lines = {
        sample.key: text for sample, text in zip(known + balanced, _lines(known + balanced, settings), strict=True)
    }
    held = cross_fit(folder, known, balanced, lines, settings)
    witnessed = formulas.domains_over(settings.lookalike_formulas)
    look_alike = look_alikes(balanced, held.negatives, settings.lookalike_share, witnessed)
    negatives = [sample for sample, left_out in zip(balanced, look_alike, strict=True) if not left_out]
    shape = _shape(settings, len(known), len(negatives))
    taught = [lines[s.key] for s in known], [lines[s.key] for s in negatives]
    model = train(*taught, shape, folder / "training.tmp", progress=sys.stderr.isatty())
    with atomic_file(folder / "classifier.bin") as temporary:
        model.save_model(str(temporary))
    linear = LinearClassifier.of_fasttext(model, settings.characters)
    linear.save(folder)
    report = classifier_report(linear, held, look_alike, [s.text for s in known], [s.text for s in negatives])
    facts = {
        "converged": False,
        "positives": len(known),
        "negatives": len(negatives),
        "look_alikes_left_out": int(look_alike.sum()),
        "epochs": shape.epochs,
        "model": file_digest(folder / "classifier.bin"),
        **report.pop("figures"),
    }
    with atomic_file(folder / "report.json") as temporary:
        temporary.write_text(json.dumps(facts | report, ensure_ascii=False, indent=1), encoding="utf-8")
    return facts


CLASSIFIER = Stage(
    name="classifier",
    version="2",
    write=write_classifier,
    settings=ClassifierSettings,
    inputs=("positives", "pages/*", "url_index", "worth?"),
    facts=LoopFacts,
    description="fastText, trained on the corpus so far against random pages of the crawl.",
    kinds=("fasttext",),
)


class _FormulaShares:
    """Of each domain the pages, and those with formulas in their HTML."""

    def __init__(self) -> None:
        self._pages: Counter[str] = Counter()
        self._formulas: Counter[str] = Counter()

    def add(self, domain: str, markers: int | None) -> None:
        self._pages[domain] += 1
        self._formulas[domain] += bool(markers)

    def domains_over(self, share: float) -> set[str]:
        return {name for name, pages in self._pages.items() if self._formulas[name] >= share * pages}


def sample_positives(collected: Artifact, settings: ClassifierSettings, worth: Artifact | None = None) -> list[Sample]:
    """Of the collected pages that are vouched for, those whose key hashes come first, in that order.

    A page that was recalled and that no prefix vouches for teaches nothing (§2.1: annotated pages "are added to the
    seed corpus"): taught, the errors of one iteration would be the positives of the next, and the loop would drift.
    Nor does a page that a prefix vouches for and whose own `worth` says that it is no mathematics: the member lists of a
    mathematical site. The seed's pages are taken as they were given.
    """
    worthless = _worthless(worth) if worth is not None else np.zeros(0, np.uint64)
    columns = ["url_key", "url", "domain", "language", "text", "origin"]
    rows: list[Sample] = []
    for batch in table_batches(collected, columns):
        hashes = key_hashes(batch["url_key"].to_pylist())
        none = is_among(hashes, worthless)
        rows += [
            _sample(row, key, settings)
            for row, key, teaches_none in zip(batch.to_pylist(), hashes, none, strict=True)
            if row["text"] and row["origin"] != "recalled" and (row["origin"] == "seed" or not teaches_none)
        ]
        rows = _first(rows, settings.positives)
    return sorted(rows, key=lambda sample: sample.key)[: settings.positives]


def _worthless(worth: Artifact) -> npt.NDArray[np.uint64]:
    """Sorted hashes of the pages that are no mathematics."""
    found = [np.zeros(0, np.uint64)]
    for batch in table_batches(worth, ["url_key", "tier"]):
        found.append(key_hashes(batch.filter(pc.equal(batch["tier"], 0))["url_key"].to_pylist()))
    return np.sort(np.concatenate(found))


def sample_unlabelled(
    newest: NewestRows, settings: ClassifierSettings, collected: Artifact, formulas: _FormulaShares
) -> list[Sample]:
    """Random pages with text that are not known to be mathematics, and that neither formulas in their HTML nor words
    of mathematics in their sentences make suspect: word problems carry no formula, and taught as negatives they would
    never be found. What was only recalled is not known: else the pages
    that one iteration takes by mistake would be missing among the negatives of the next."""
    known = sorted_keys(collected, without_origin="recalled")
    rows: list[Sample] = []
    for batch in newest.batches(["url_key", "url", "host", "path", "domain", "language", "text", "markers", "words"]):
        hashes = key_hashes(batch["url_key"].to_pylist())
        is_known = is_among(hashes, known)
        for row, key, collected_already in zip(batch.to_pylist(), hashes, is_known, strict=True):
            formulas.add(row["domain"], row["markers"])
            if (
                collected_already
                or not row["text"]
                or row["words"]
                or (row["markers"] or 0) >= settings.known_math_markers
            ):
                continue
            rows.append(_sample(row, key, settings))
        rows = _first(rows, OVERSAMPLED * settings.negatives)
    known_domains = formulas.domains_over(settings.known_math_share)
    unknown = sorted((row for row in rows if row.domain not in known_domains), key=lambda sample: sample.key)
    return unknown[: OVERSAMPLED * settings.negatives]


def balance(positives: Sequence[Sample], unlabelled: Sequence[Sample], settings: ClassifierSettings) -> list[Sample]:
    """Negatives in the positives' mix of languages and lengths, as far as there are enough of them.

    Otherwise language or length alone would tell the classes apart. Languages in which no positive is known keep a
    bounded share: without them the model would know nothing of their words, with all of them it would learn that
    Chinese is not mathematics.
    """
    wanted = Counter(_stratum(sample) for sample in positives)
    languages = {language for language, _ in wanted}
    same = [sample for sample in unlabelled if sample.language in languages]
    others = [sample for sample in unlabelled if sample.language not in languages]
    quota = {s: -(-count * settings.negatives // len(positives)) for s, count in wanted.items()}
    taken: Counter[tuple[str, int]] = Counter()
    in_mix: list[Sample] = []
    beyond: list[Sample] = []
    for sample in same:
        taken[_stratum(sample)] += 1
        (in_mix if taken[_stratum(sample)] <= quota.get(_stratum(sample), 0) else beyond).append(sample)
    kept = (in_mix + beyond)[: settings.negatives]
    room = int(settings.other_language_share * (len(kept) or len(others)))
    return sorted(kept + others[:room], key=lambda sample: sample.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Margins of pages by models that did not learn from them, nor from their domain where they are unlabelled."""

    positives: npt.NDArray[np.float32]
    negatives: npt.NDArray[np.float32]


def cross_fit(
    folder: Path,
    known: Sequence[Sample],
    unlabelled: Sequence[Sample],
    lines: Mapping[int, str],
    settings: ClassifierSettings,
) -> HeldOut:
    """Score each page by a small model of the other folds: positives folded by page, unlabelled pages by domain."""
    folds = settings.folds
    of_known = np.array([sample.key % folds for sample in known])
    of_unlabelled = _domain_folds(unlabelled, folds)
    jobs: list[_Fold] = []
    for fold in range(folds):
        positives = [lines[s.key] for s, at in zip(known, of_known, strict=True) if at != fold]
        negatives = [lines[s.key] for s, at in zip(unlabelled, of_unlabelled, strict=True) if at != fold]
        if not positives or not negatives:  # one page or one domain: nothing can be held out
            return HeldOut(
                positives=np.zeros(len(known), np.float32), negatives=np.full(len(unlabelled), -1, np.float32)
            )
        tests = [s.text for s, at in zip(known, of_known, strict=True) if at == fold]
        tests += [s.text for s, at in zip(unlabelled, of_unlabelled, strict=True) if at == fold]
        shape = _shape(
            settings.model_copy(update={"dim": min(settings.dim, 16), "ngrams": 1}), len(positives), len(negatives)
        )
        jobs.append(
            _Fold(
                folder / f"fold-{fold}.npy",
                tuple(positives),
                tuple(negatives),
                shape,
                tuple(tests),
                settings.characters,
            )
        )
    # On this machine, whatever the executor: the texts lie in memory here, and a fold takes seconds.
    here = LocalExecutor(workers=min(folds, len(os.sched_getaffinity(0))))
    run_shards(_score_fold, jobs, here, done=_is_scored, label="held-out folds", unit="fold")
    held = HeldOut(positives=np.zeros(len(known), np.float32), negatives=np.zeros(len(unlabelled), np.float32))
    for fold, job in enumerate(jobs):
        of_fold = np.load(job.margins)
        job.margins.unlink()
        split = int((of_known == fold).sum())
        held.positives[of_known == fold], held.negatives[of_unlabelled == fold] = of_fold[:split], of_fold[split:]
    return held


def look_alikes(
    unlabelled: Sequence[Sample], margins: npt.NDArray[np.float32], share: float, witnessed: set[str]
) -> npt.NDArray[np.bool_]:
    """Which unlabelled pages are not taught as negatives: those taken for mathematics, and whole domains with many of
    them, where formulas witness it. Without a second witness a look-alike (manuals beside manuals of mathematical
    software) would leave the negatives, score higher for it, and pull its like after it."""
    by_domain: dict[str, list[bool]] = defaultdict(list)
    for sample, margin in zip(unlabelled, margins, strict=True):
        by_domain[sample.domain].append(bool(margin > 0))
    shares = {name: sum(found) / len(found) for name, found in by_domain.items()}
    wholly = {name for name in shares if name in witnessed and shares[name] > share}
    left_out = np.array(
        [
            s.domain in wholly or (m > 0 and (s.domain in witnessed or len(by_domain[s.domain]) < FEW))
            for s, m in zip(unlabelled, margins, strict=True)
        ],
        dtype=np.bool_,
    )
    if left_out.all():  # everything looks alike: the model learnt nothing, and its opinion counts for nothing
        left_out[:] = False
    return left_out


@dataclass(frozen=True, slots=True)
class _Fold:
    """What one small model learns and judges, and where its margins go."""

    margins: Path
    positives: Sequence[str]
    negatives: Sequence[str]
    shape: Shape
    tests: Sequence[str]
    characters: int

    def __str__(self) -> str:
        return self.margins.stem


def _score_fold(fold: _Fold) -> None:
    model = train(fold.positives, fold.negatives, fold.shape, fold.margins.with_suffix(".tmp"))
    with atomic_file(fold.margins) as temporary, temporary.open("wb") as handle:
        np.save(handle, LinearClassifier.of_fasttext(model, fold.characters).margins(fold.tests))


def _is_scored(fold: _Fold) -> bool:
    return fold.margins.exists()


def _domain_folds(samples: Sequence[Sample], folds: int) -> npt.NDArray[np.int64]:
    """A fold for each page, whole domains together, the largest domains spread evenly."""
    sizes = Counter(sample.domain for sample in samples)
    order = sorted(sizes, key=lambda domain: (-sizes[domain], domain))
    load = [0] * folds
    fold_of: dict[str, int] = {}
    for domain in order:
        fold_of[domain] = load.index(min(load))
        load[fold_of[domain]] += sizes[domain]
    return np.array([fold_of[sample.domain] for sample in samples])


def _shape(settings: ClassifierSettings, positives: int, negatives: int) -> Shape:
    lines = 2 * max(positives, negatives, 1)
    return Shape(
        dim=settings.dim,
        learning_rate=settings.learning_rate,
        ngrams=settings.ngrams,
        least_count=settings.least_count,
        epochs=max(settings.epochs, -(-settings.least_updates // lines)),
        bucket=settings.bucket if settings.ngrams > 1 else 1_000,
    )


def _lines(samples: Sequence[Sample], settings: ClassifierSettings) -> list[str]:
    """What is learnt of each page: its text without the lines that its host repeats."""
    pages = Counter(sample.host for sample in samples)
    repeated: dict[str, Counter[int]] = defaultdict(Counter)
    for sample in samples:
        repeated[sample.host].update({hash(part.strip()) for part in sample.text.split("\n")})
    texts = []
    for sample in samples:
        limit = max(2, REPEATED * pages[sample.host])
        seen = repeated[sample.host]
        own = [part for part in sample.text.split("\n") if seen[hash(part.strip())] <= limit]
        texts.append(line("\n".join(own), settings.characters))
    return texts


def _sample(row: Mapping[str, str], key: np.uint64, settings: ClassifierSettings) -> Sample:
    host = row.get("host") or row["url"].partition("://")[2].partition("/")[0]
    text = row["text"][: settings.characters * MENU]
    return Sample(key=int(key), domain=row["domain"] or host, host=host, language=row["language"] or "", text=text)


def _first(rows: list[Sample], limit: int) -> list[Sample]:
    """The rows with the smallest hashes, cut now and then only: sorting costs."""
    return sorted(rows, key=lambda sample: sample.key)[:limit] if len(rows) > 2 * limit else rows


def _stratum(sample: Sample) -> tuple[str, int]:
    """Language, and the power of four of the length."""
    return sample.language, len(sample.text).bit_length() // 2
