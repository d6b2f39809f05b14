"""Readers of pages that are no person: a rule over formulas and words, and a model behind any OpenAI-compatible endpoint.

Both answer what a person answers, and their labels stand in the same file, so that their agreement with people can be
told (`mathsieve label --agreement`). A person's verdict outranks a model's, and that a rule's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from pipelines.corpus.annotations import ModelSettings
from pipelines.corpus.labels import MOST_TEACHING, Mathematics
from pipelines.corpus.model_annotator import ask_model
from pipelines.corpus.page_tables import CorpusError

RUBRIC = """Is the content of this page mathematics, so that whoever reads it learns or practises mathematics? Judge the page, not \
its site. Yes: definitions, proofs, explanations, exercises, word problems of any level and language also without formulas, \
questions with answers, reference pages that say what a function computes mathematically. No: lists of names, members, files or \
links, source listings, indexes, manuals of software, news and prices with numbers, pages that only mention mathematics.
How much does it teach? 0 nothing, 1 a term or a bare formula, 2 something is stated but dry or in pieces, 3 one can learn from it, \
4 good teaching with steps or worked solutions, 5 like a good textbook. A page that is no mathematics has 0 or 1."""
"""docs/labels.md in short."""
QUESTION = """{rubric}

URL: {url}

{text}

Answer on the first line with yes or no and a number from 0 to 5, as in: yes 3. Give your reason in one sentence on the second."""
ANSWER = re.compile(r"\b(yes|no)\b\W*([0-5])\b", re.IGNORECASE)
FEW_FORMULAS = 5  # markers; ours: fewer may be a logo's or a menu's
PROSE = 0.2  # share of a page's characters in sentences, below which it is a list; ours


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVerdict:
    """What a reader says of one page."""

    mathematics: Mathematics
    teaching: int
    why: str


PageAnnotator = Callable[[str, str], PageVerdict | None]
"""From a page's URL and text to its verdict; None where it gave none."""


def by_evidence() -> PageAnnotator:
    """Mathematics where a page has formulas or enough words of mathematics, and sentences around them."""

    def annotate(url: str, text: str) -> PageVerdict | None:
        from pipelines.corpus.page_worth import FIGURES, evidence_of, figures_of
        from pipelines.math_evidence import EVIDENCE_WORDS, read_weights

        markers, weight = evidence_of(text)
        prose = float(figures_of([text])[0][FIGURES.index("prose")])
        is_math = (markers >= FEW_FORMULAS or weight >= read_weights(EVIDENCE_WORDS)[1]) and prose >= PROSE
        why = f"{markers} formulas, words of mathematics weigh {weight}, {prose:.0%} in sentences"
        return PageVerdict(mathematics="yes" if is_math else "no", teaching=2 if is_math else 0, why=why)

    return annotate


def by_model(
    settings: ModelSettings, rubric: str = RUBRIC, transport: httpx.BaseTransport | None = None
) -> PageAnnotator:
    """Raises CorpusError where the endpoint refuses or stays silent."""
    key = os.environ.get(settings.api_key_variable or "", "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    client = httpx.Client(base_url=settings.base_url, headers=headers, timeout=settings.timeout, transport=transport)

    def annotate(url: str, text: str) -> PageVerdict | None:
        return read_verdict(ask_model(client, settings, QUESTION.format(rubric=rubric, url=url, text=text)))

    return annotate


def read_verdict(answer: str) -> PageVerdict | None:
    """The first `yes 3` of a model's reply and what follows it; None where it says no such thing."""
    found = ANSWER.search(answer)
    if found is None or not 0 <= int(found[2]) <= MOST_TEACHING:
        return None
    why = " ".join(answer[found.end() :].strip(" \n.,:*").split())[:300]
    return PageVerdict(mathematics="yes" if found[1].lower() == "yes" else "no", teaching=int(found[2]), why=why)


def annotator_named(name: str, base_url: str | None, model: str | None, key_variable: str | None) -> PageAnnotator:
    """Raises CorpusError where a model is asked for and not named."""
    if name == "rule":
        return by_evidence()
    if base_url is None or model is None:
        raise CorpusError("--ask model: expected --base-url URL and --model NAME beside it; found none. Name them.")
    return by_model(ModelSettings(base_url=base_url, model=model, api_key_variable=key_variable))
