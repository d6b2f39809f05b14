"""What a template is, and the exact numbers it answers with."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

FIELDS = ("algebra", "probability", "number_theory", "calculus", "geometry")
"""The fields of DeepSeekMath's SFT mixture (§3.1), whose templates are the benchmarks too."""
SCHOOL = ("word_problems", "school")
"""Files of templates for mixtures alone: benchmarks stay as they are when these grow."""

Bilingual = tuple[str, str]
"""English, Chinese."""

NAMES: tuple[Bilingual, ...] = (
    ("Mia", "小美"), ("Leo", "小乐"), ("Ana", "小安"), ("Ben", "小本"), ("Ivy", "小薇"), ("Max", "小马"), ("Zoe", "小卓"),
    ("Sam", "小山"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exact:
    """An answer that is not a rational number: its TeX, and what a program that computes it prints."""

    tex: str
    printed: str


Answer = int | Fraction | Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One problem in both languages."""

    question: Bilingual
    answer: Answer
    steps: Bilingual
    """The chain of thought up to the answer, which is appended to it."""
    plan: Bilingual
    """What is said before the program."""
    program: str
    """Python that prints the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One kind of problem."""

    name: str
    field: str
    topic: str
    """Of school mathematics, by the names that mixtures use."""
    make: Callable[[Draw], Parts]
    easy: bool = False
    """One-line solutions over small numbers: a model of 135 M parameters learns these in some fifty steps."""


class Draw:
    """A seeded generator of what problems are made of."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self._generator.randint(low, high)

    def other(self, low: int, high: int, *, than: int) -> int:
        """A whole number that differs from `than`."""
        return self._generator.choice([number for number in range(low, high + 1) if number != than])

    def one_of(self, options: Sequence[int]) -> int:
        """One of some numbers."""
        return self._generator.choice(options)

    def word(self, options: Sequence[Bilingual]) -> Bilingual:
        """A word that does not change the mathematics."""
        return self._generator.choice(options)


def tex(answer: Answer) -> str:
    """`7`, `-\\frac{3}{4}`, `2\\sqrt{5}`."""
    if isinstance(answer, Exact):
        return answer.tex
    value = Fraction(answer)
    if value.denominator == 1:
        return str(value.numerator)
    return f"{'-' if value < 0 else ''}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def printed(answer: Answer) -> str:
    """What `print` gives for the answer: `7`, `-3/4`, `2*sqrt(5)`."""
    return answer.printed if isinstance(answer, Exact) else str(Fraction(answer))


def signed(number: int) -> str:
    """`+ 3` or `- 3`, as it follows another term."""
    return f"+ {number}" if number >= 0 else f"- {-number}"


def times(factor: int) -> str:
    """The factor as it stands before a letter: nothing for 1, `-` for -1."""
    return {1: "", -1: "-"}.get(factor, str(factor))


def plus(factor: int) -> str:
    """The factor as it stands between a term and a letter: `+ 3`, `- `."""
    return {1: "+ ", -1: "- "}.get(factor, signed(factor))


def root(radicand: int) -> Exact | int:
    """The square root of a natural number, simplified."""
    outside, inside = 1, radicand
    for factor in range(int(radicand**0.5), 1, -1):
        if radicand % (factor * factor) == 0:
            outside, inside = factor, radicand // (factor * factor)
            break
    if inside == 1:
        return outside
    front, times = ("", "") if outside == 1 else (str(outside), f"{outside}*")
    return Exact(f"{front}\\sqrt{{{inside}}}", f"{times}sqrt({inside})")
