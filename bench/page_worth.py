"""The worth of a page against readers' labels: precision and recall on sites that taught nothing, and its speed.

Needs the real pages of MATHSIEVE_REAL_DATA, from which the labels of pipelines/corpus/page_labels/pages.jsonl were drawn.

python -m bench.page_worth             held-out sites, every site in turn, Chinese pages and word problems, speed
python -m bench.page_worth --teach     writes pipelines/corpus/worth_head.json anew, from all labels
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.intervals import share_interval
from pipelines.corpus.agreement import agreement_lines
from pipelines.corpus.labels import LABELS, PageKey, Settled, is_held_out, read_labels, settle
from pipelines.corpus.page_worth import HEAD, PageHead, figures_of, load_head
from pipelines.corpus.worth import WorthSettings
from pipelines.corpus.worth_teaching import Lessons, joined, teach
from pipelines.crawl.decoding import decode_html
from pipelines.crawl.page_rows import page_row
from pipelines.crawl.planted_pages import MATH_KINDS, compose
from pipelines.crawl.planted_sites import read_sites
from pipelines.crawl.settings import CrawlSettings
from pipelines.crawl.warc import read_captures
from pipelines.extraction.page import extract
from pipelines.urls import address

LEAST_TEXT = 50
"""Characters below which the cheap text stands for the exact one."""
INVENTED = 240
INVENTED_WEIGHT = 0.25
"""Invented pages of the embedded crawl teach what the labelled sites lack, school pages and word problems; few and light."""
INVENTED_VALUE = {"notes": 4.0, "exercises": 3.0, "forum_tex": 3.0, "forum": 3.0, "word_problems": 3.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A labelled page as the loop and as the export see it."""

    cheap: str
    exact: str


def texts_of(root: Path, wanted: set[PageKey]) -> dict[PageKey, Texts]:
    """The labelled pages among the WARC files of realweb and messyweb."""
    settings = CrawlSettings(folder=root)
    urls, found = {url for url, _ in wanted}, {}
    for path in sorted(path for name in ("realweb", "messyweb") for path in (root / name).glob("*.warc.gz")):
        for capture in read_captures(str(path), Counter()):
            if address(capture.url).key in urls:
                row = page_row(capture, settings)
                html, _ = decode_html(capture.body, capture.content_type)
                exact, cheap = extract(html, capture.url).text, row["text"] or ""
                texts = Texts(cheap=cheap, exact=exact if len(exact) >= LEAST_TEXT else cheap)
                found[row["url_key"], row["digest"]] = texts
    return {key: texts for key, texts in found.items() if key in wanted}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Labelled pages that were found, with their figures from both texts."""

    settled: Sequence[Settled]
    exact: npt.NDArray[np.float64]
    cheap: npt.NDArray[np.float64]

    @property
    def math(self) -> npt.NDArray[np.bool_]:
        return np.array([bool(one.mathematics) for one in self.settled])

    @property
    def teaching(self) -> npt.NDArray[np.float64]:
        return np.array([one.teaching for one in self.settled])

    @property
    def sites(self) -> list[str]:
        return [one.label.site for one in self.settled]

    @property
    def stands_for(self) -> npt.NDArray[np.float64]:
        return np.array([one.label.stands_for for one in self.settled])


def labelled(root: Path) -> Labelled:
    settled = [one for one in settle(read_labels(LABELS)) if one.mathematics is not None]
    texts = texts_of(root, {one.label.key for one in settled})
    settled = [one for one in settled if one.label.key in texts]
    pages = [texts[one.label.key] for one in settled]
    exact, cheap = figures_of(page.exact for page in pages), figures_of(page.cheap for page in pages)
    return Labelled(settled=settled, exact=exact, cheap=cheap)


def lessons_of(pages: Labelled, chosen: npt.NDArray[np.bool_]) -> Lessons:
    """The chosen pages, once as the loop reads them and once as the export does, and invented ones."""
    answers, values = pages.math[chosen].astype(np.float64), pages.teaching[chosen]
    halves = np.full(len(answers), 0.5)
    both = [
        Lessons(figures=figures[chosen], mathematics=answers, teaching=values, weights=halves)
        for figures in (pages.exact, pages.cheap)
    ]
    return joined([*both, invented_lessons()])


def invented_pages(draw: random.Random) -> Iterator[tuple[str, str, str]]:
    """(kind, language, text) of pages of the embedded crawl."""
    sections = [
        (section.kind, section.language or site.language) for site in read_sites()[0] for section in site.sections
    ]
    kinds = sorted({one for one in sections if one[1] in ("en", "zh")})
    for number in range(INVENTED):
        kind, language = kinds[number % len(kinds)]
        page = compose(kind, language, draw)
        yield kind, language, "\n".join([page.title, *(text for tag, text in page.blocks if tag != "html")])


def invented_lessons() -> Lessons:
    made = list(invented_pages(random.Random(13)))
    return Lessons(
        figures=figures_of(text for _, _, text in made),
        mathematics=np.array([float(kind in MATH_KINDS) for kind, _, _ in made]),
        teaching=np.array([INVENTED_VALUE.get(kind, 0.0) for kind, _, _ in made]),
        weights=np.full(len(made), INVENTED_WEIGHT),
    )


def row(name: str, math: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_], weights: npt.NDArray[np.float64]) -> str:
    """Precision and recall with intervals, and the same of the whole crawl, for which each page stands for several."""
    right = int((math & kept).sum())
    precision, recall = share_interval(right, int(kept.sum())), share_interval(right, int(math.sum()))
    whole = (
        weights[math & kept].sum() / max(weights[kept].sum(), 1e-9),
        weights[math & kept].sum() / weights[math].sum(),
    )
    return (
        f"| {name} | {right} of {kept.sum()}: {right / max(1, kept.sum()):.1%} ({precision.low:.1%} to {precision.high:.1%}) "
        f"| {right} of {math.sum()}: {right / math.sum():.1%} ({recall.low:.1%} to {recall.high:.1%}) "
        f"| {whole[0]:.1%}, {whole[1]:.1%} |"
    )


HEADS = ["| pages | precision by page | recall | of the whole crawl |", "| --- | --- | --- | --- |"]


def held_out_table(pages: Labelled, least: float) -> list[str]:
    """Taught on some sites, asked on the others; then every site in turn."""
    held = np.array([is_held_out(site) for site in pages.sites])
    head = teach(lessons_of(pages, ~held))
    kept = head.judge(pages.exact)[0] >= least
    lines = [*HEADS, row("held-out sites", pages.math[held], kept[held], pages.stands_for[held])]
    odds = site_by_site(pages)
    lines.append(row("every site in turn", pages.math, odds[0] >= least, pages.stands_for))
    lines.append(row("every site in turn, cheap text", pages.math, odds[1] >= least, pages.stands_for))
    chinese = np.array([one.label.language == "zh" for one in pages.settled])
    lines.append(row("of them Chinese", pages.math[chinese], odds[0][chinese] >= least, pages.stands_for[chinese]))
    return lines


def site_by_site(pages: Labelled) -> npt.NDArray[np.float64]:
    """Log-odds of [exact, cheap] x pages, each by a head that saw no page of its site; small sites go in five folds."""
    sizes = Counter(pages.sites)
    folds = [site if sizes[site] >= 8 else f"small {sum(site.encode()) % 5}" for site in pages.sites]
    odds = np.zeros((2, len(folds)))
    for fold in sorted(set(folds)):
        here = np.array([one == fold for one in folds])
        head = teach(lessons_of(pages, ~here))
        odds[0, here], odds[1, here] = head.judge(pages.exact[here])[0], head.judge(pages.cheap[here])[0]
    return odds


def problem_pages(root: Path) -> Mapping[str, list[str]]:
    """Pages of ten problems each, by kind: nobody's pages, but real problems."""
    cmath = [json.loads(line)["question"] for line in _lines(root / "benchmarks" / "cmath", "*test*.jsonl")]
    gsm8k = [json.loads(line)["question"] for line in _lines(root / "benchmarks" / "gsm8k", "*test*.jsonl")]
    found = {"Chinese word problems (CMATH)": cmath, "English word problems (GSM8K)": gsm8k}
    return {
        name: ["\n".join(texts[first : first + 10]) for first in range(0, min(len(texts), 1000) - 9, 10)]
        for name, texts in found.items()
    }


def _lines(folder: Path, pattern: str) -> list[str]:
    return [
        line for path in sorted(folder.rglob(pattern)) for line in path.read_text(encoding="utf-8").splitlines() if line
    ]


def speed(texts: Sequence[str]) -> str:
    """Against the classifier on the same pages, in one process."""
    from pipelines.corpus.linear import LinearClassifier

    words = sorted({word for text in texts[:200] for word in text.lower().split()})[:50_000]
    weights = np.zeros(len(words) + 200_000, np.float32)
    classifier = LinearClassifier(words, weights, ngrams=3, characters=8_000)
    ways: dict[str, Callable[[Sequence[str]], object]] = {"worth": figures_of, "classifier": classifier.margins}
    took = {}
    for name, way in ways.items():
        way(texts[:20])
        begun = time.process_time()
        way(texts)
        took[name] = (time.process_time() - begun) / len(texts)
    shown = ", ".join(f"{name} {1e3 * seconds:.2f} ms a page" for name, seconds in took.items())
    return f"{shown}: {took['classifier'] / took['worth']:.2f} of the classifier's speed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teach", action="store_true", help="write the head anew")
    arguments = parser.parse_args()
    given = os.environ.get("MATHSIEVE_REAL_DATA")
    if not given:
        print("MATHSIEVE_REAL_DATA is not set: there are no pages to judge", file=sys.stderr)
        return 2
    root, least = Path(given), WorthSettings().least_mathematics
    pages = labelled(root)
    if arguments.teach:
        teach(lessons_of(pages, np.ones(len(pages.settled), np.bool_))).save(HEAD)
        print(f"{HEAD} taught by {len(pages.settled)} labelled pages and {INVENTED} invented ones")
    print("\n".join([*agreement_lines(read_labels(LABELS)), "", *held_out_table(pages, least), ""]))
    head: PageHead = load_head()
    for name, problems in problem_pages(root).items():
        odds = head.judge(figures_of(problems))[0]
        print(f"{name}: {(odds >= least).sum()} of {len(problems)} pages kept")
    texts = texts_of(root, {one.label.key for one in pages.settled})
    print(speed([page.cheap for page in texts.values() if page.cheap]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
