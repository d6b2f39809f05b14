"""A rewritten page may say nothing with a formula or number that its source does not have."""

from __future__ import annotations

import pytest

from pipelines.corpus.occurrence import Source, first_unfounded, kept_share

PAGE = (
    "Menu | Home. Let $f(x) = x^{2} + 1$ with \\(a_{1} \\le 5\\). The price rose from 1,200 to 1,350 dollars, that is 12.5 % in "
    "three years, down from -40 degrees. E = mc^2 holds. \\[\\int_0^1 \\frac{x+y}{2}\\,dx = 7\\] 共有二十五人。 See p. 12."
)
HELD = [
    "Let $f(x)=x^2+1$, where $a_1\\leq 5$.",
    "Let \\[ f\\left(x\\right) = x^{2}+1 \\]",
    "The price rose from 1200 to 1{,}350 dollars (12.5 %) in 3 years.",
    "$E = mc^2$",
    "E = mc²",
    "$$\\int_{0}^{1} \\dfrac{x+y}{2} dx = 7$$",
    "It was -40 degrees; a₁ ≤ 5.",
    "共有二十五人。",
    "Numbers like １２ stand in wide digits.",
    "No formula at all, one thing less.",
]
INVENTED = [
    ("Let $f(x) = x^2 + 2$.", "formula"),
    ("$f(x) = x^2$", "formula"),  # cut short before an operator: another function
    ("$x^2 + 1$", "formula"),  # cut after one
    ("$f(x) = x^{2 + 1}$", "formula"),  # braces move
    ("$E = mc^3$", "formula"),
    ("E=mc^3", "formula"),
    ("$$\\int_0^1 \\frac{x}{y+2} dx = 7$$", "formula"),
    ("The price rose to 1,351 dollars.", "number"),
    ("It rose by 12 %, or 125.", "number"),
    ("It was -12 degrees.", "formula"),
    ("In four years.", "number"),
    ("共有二十六人。", "number"),
    ("Use \\gamma here.", "formula"),
    ("The value is 0.5.", "number"),
    ("$120$", "formula"),  # a piece of 1200 is another number
]


@pytest.mark.parametrize("result", HELD)
def test_what_the_source_says_may_be_said_in_other_words_and_spellings(result):
    assert first_unfounded(result, Source(PAGE)) is None


@pytest.mark.parametrize(("result", "kind"), INVENTED)
def test_what_the_source_does_not_say_is_found(result, kind):
    found = first_unfounded(result, Source(PAGE))
    assert found is not None
    assert found.kind == kind


def test_a_page_is_founded_in_itself():
    assert first_unfounded(PAGE, Source(PAGE)) is None


def test_the_share_of_formulas_that_stay_is_counted():
    assert kept_share(PAGE, "Only $f(x) = x^2+1$ stays.") == pytest.approx(1 / 3)
    assert kept_share("No formula.", "Nothing.") == 1.0
