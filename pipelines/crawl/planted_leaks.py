"""Benchmark problems hidden in pages of the embedded crawl, in the disguises in which leaks are met on the web."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evaluators.benchmarks import load_problems
from pipelines.crawl.planted_pages import Content

Part = Literal["question", "solution", "both"]
Disguise = Literal["plain", "spaces", "case", "bold", "breaks", "delimiters"]
DISGUISES: dict[Disguise, str] = {
    "plain": "copied as it is",
    "spaces": "other white space: line breaks, tabs, double and no-break spaces",
    "case": "words in capitals",
    "bold": "some words in <b>, <i> or <span>",
    "breaks": "a <br> after each clause",
    "delimiters": "formulas in \\(...\\)",
}
WORDS_OUTSIDE_FORMULAS = re.compile(r"(\$[^$]*\$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One benchmark problem, as it is hidden."""

    problem_id: str
    part: Part
    disguise: Disguise
    language: str
    text: str


def draw_leaks(count: int, benchmarks: Sequence[str], rows: int, draw: random.Random) -> list[Leak]:
    """`count` leaks of the first `rows` test problems; the benchmarks, parts and disguises in turn."""
    leaks = []
    problems = {name: load_problems(name, limit=rows) for name in benchmarks}
    disguises: list[Disguise] = list(DISGUISES)
    parts: tuple[Part, ...] = ("question", "both", "question", "solution")
    for index in range(count):
        pool = problems[benchmarks[index % len(benchmarks)]]
        problem = pool.pop(draw.randrange(len(pool)))
        part = parts[index // len(benchmarks) % len(parts)]
        texts = {"question": problem.question, "solution": problem.solution or ""}
        text = "\n".join(texts.values()) if part == "both" else texts[part]
        disguise = disguises[index % len(disguises)]
        leaks.append(Leak(problem_id=problem.id, part=part, disguise=disguise, language=problem.language, text=text))
    return leaks


def leaking(content: Content, leak: Leak, draw: random.Random) -> Content:
    """The page with the leak as one more block, anywhere but first."""
    blocks = list(content.blocks)
    blocks.insert(draw.randint(1, len(blocks)), ("html", f"<p>{disguised(leak.text, leak.disguise, draw)}</p>"))
    return replace(content, blocks=tuple(blocks))


def disguised(text: str, disguise: Disguise, draw: random.Random) -> str:
    """HTML of the text. Formulas keep their TeX; what surrounds them changes."""
    if disguise == "delimiters":
        return html.escape(re.sub(r"\$([^$]*)\$", r"\\(\1\\)", text), quote=False)
    pieces = WORDS_OUTSIDE_FORMULAS.split(html.escape(text, quote=False))
    return "".join(piece if piece.startswith("$") else _changed(piece, disguise, draw) for piece in pieces)


def _changed(words: str, disguise: Disguise, draw: random.Random) -> str:
    if disguise == "case":
        return words.upper()
    if disguise == "spaces":
        return re.sub(r" ", lambda _: draw.choice(["\n", "  ", "\t", "&nbsp;", "\n    "]), words)
    if disguise == "breaks":
        return re.sub(r"([.,?!。，？])(?=.)", r"\1<br>", words)
    if disguise == "bold":
        tag = draw.choice(["b", "i", "em"])
        return re.sub(r"(\w{3,})", rf"<{tag}>\1</{tag}>", words, count=1)
    return words
