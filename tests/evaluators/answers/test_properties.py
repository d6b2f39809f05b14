"""Properties of every check: it ends, it never raises, it is reflexive, and harmless rewriting changes nothing."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluators.answers import PROFILES, check, check_output, extract, same_answer
from evaluators.answers.patterns import lazy_pattern

PIECES = [
    "0", "1", "2", "12", "3.5", "1,000", "x", "y", "n", "i", "e", r"\pi ", r"\frac", r"\sqrt", "{", "}", "(", ")", "[", "]", r"\{", r"\}",
    "+", "-", "*", "/", "^", "_", "=", "<", ">", r"\le ", r"\cup ", r"\infty ", r"\pm ", ",", ";", ":", "!", "%", "|", "$", r"\text{", " ", r"\\",
    "&", r"\begin{pmatrix}", r"\end{pmatrix}", r"\sin ", r"\log ", r"\sum ", r"\int ", "dx", " cm", " m", " and ", " or ", "A", "(B)", "东", "三",
    "元", "°", "²", "½", "√", "\u0000", "\ud800", "\u202e", "...", r"\overline", r"\boxed{", "base 8", " pm", "no solution", "million", "'",
]  # fmt: skip
answers = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=30)
SAFE = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
SECONDS, MEMORY = 2.0, 512 * 1024


def memory(key: str) -> int:
    """A figure of this process in KiB: VmRSS (resident now) or VmHWM (its peak)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


@SAFE
@given(reference=answers, prediction=answers, profile=st.sampled_from(sorted(PROFILES)))
def test_any_two_texts_are_judged_in_time_and_memory(reference: str, prediction: str, profile: str) -> None:
    begun, held = time.process_time(), memory("VmRSS")
    Path("/proc/self/clear_refs").write_text(
        "5", encoding="ascii"
    )  # the peak counts from here, whatever tests ran before
    verdict = check(reference, prediction, profile=profile, problem=prediction)
    assert verdict.verdict in ("correct", "incorrect", "unparsed", "timeout")
    assert verdict.reason and verdict.stage
    assert time.process_time() - begun < SECONDS
    assert memory("VmHWM") - held < MEMORY


@SAFE
@given(
    text=st.lists(
        st.sampled_from([*PIECES, "The answer is ", "答案是", "####", "<think>", "</think>", "\n"]), max_size=30
    ).map("".join)
)
def test_any_text_gives_an_answer_or_none(text: str) -> None:
    for profile in PROFILES:
        found = extract(text, profile=profile)
        assert found is None or 0 <= found.start <= found.end <= len(text)
        assert check_output("5", text, profile=profile).verdict in (
            "correct",
            "incorrect",
            "unparsed",
            "timeout",
            "no_answer",
        )


@SAFE
@given(text=answers.filter(lambda t: t.strip()))
def test_every_text_is_its_own_answer(text: str) -> None:
    assert check(text, text).verdict == "correct"


numbers = st.fractions(min_value=-1000, max_value=1000, max_denominator=60)


@SAFE
@given(a=numbers, b=numbers)
def test_fractions_are_equal_exactly_when_they_are(a: object, b: object) -> None:
    assert check(rf"\frac{{{a.numerator}}}{{{a.denominator}}}", f"{b.numerator}/{b.denominator}").correct == (a == b)  # type: ignore[attr-defined]


expressions = st.recursive(
    st.sampled_from(["x", "y", "2", "3", r"\pi", r"\sqrt{2}", "5"]),
    lambda inner: st.builds(lambda a, b, op: f"({a}{op}{b})", inner, inner, st.sampled_from(["+", "-", "*", "/"])),
    max_leaves=6,
)


@SAFE
@given(a=expressions, b=expressions)
def test_equality_of_expressions_is_symmetric(a: str, b: str) -> None:
    assert check(a, b).verdict == check(b, a).verdict
    assert same_answer(a, b) == same_answer(b, a)


@SAFE
@given(a=expressions)
def test_adding_one_changes_an_expression(a: str) -> None:
    verdict = check(a, f"{a}+1")
    assert not verdict.correct or "/(" in a, verdict  # a division by zero has no value to change


REWRITES = {
    "dollars": lambda t: f"${t}$",
    "parentheses of LaTeX": lambda t: rf"\({t}\)",
    "a box": lambda t: rf"\boxed{{{t}}}",
    "outer spaces": lambda t: f"  {t} ",
    "left and right": lambda t: t.replace("(", r"\left(").replace(")", r"\right)"),
    "dfrac": lambda t: t.replace(r"\frac", r"\dfrac"),
    "a full stop": lambda t: t + ".",
    "bold": lambda t: f"**{t}**",
    "thin spaces": lambda t: t.replace("+", r"\,+\,"),
}
REFERENCES = [
    "12", "-3", "1,234", "3.50", r"\frac{3}{4}", r"\frac{\sqrt{3}}{2}", "(1,2)", "(2,\\infty)", "x^2+3x+1", "x=5", "1,2", r"\{1,2\}", "50%",
    r"90^\circ", "52_8", r"\text{east}", r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "12 cm", r"1 \pm \sqrt{19}", "y=2x+3", "(C)",
]  # fmt: skip


@pytest.mark.parametrize("name", REWRITES)
@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("profile", ["strict", "reward"])
def test_harmless_rewriting_changes_nothing(reference: str, name: str, profile: str) -> None:
    rewritten = REWRITES[name](reference)
    assert check(reference, rewritten, profile=profile).correct, rewritten
    assert check(rewritten, reference, profile=profile).correct, rewritten


@pytest.mark.parametrize("unit", ["cm", "miles", "dollars", "apples", "hours", "square feet", "kg", "元", "个"])
def test_a_unit_beside_a_bare_number_changes_nothing(unit: str) -> None:
    assert check("12", f"12 {unit}").correct
    assert check(f"12 {unit}", "12").correct
    assert not check("12", f"13 {unit}").correct


def test_an_unknown_profile_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="expected one of strict, reward, deepseek; found 'lenient'"):
        check("1", "1", profile="lenient")


def test_the_names_of_the_package_stay_functions_after_use() -> None:
    """A module of the package that bears the name of a function would take its place once it is imported."""
    import evaluators.answers as package

    package.check("1", "x"), package.check_output("1", "the answer is 1"), package.extract("so it is 5")
    assert all(callable(getattr(package, name)) for name in package.__all__ if name not in ("PROFILES", "Outcome"))


def test_threads_that_first_use_a_pattern_at_once_all_find_what_it_matches() -> None:
    before, together = sys.getswitchinterval(), threading.Barrier(4)

    def use(number: int) -> bool:
        together.wait(30)
        return patterns[number // 4].search(f"a{number // 4}") is not None

    patterns = [lazy_pattern(f"[a-z]{number}$") for number in range(600)]
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(use, range(4 * len(patterns))))
    finally:
        sys.setswitchinterval(before)
