"""The drop-in beside Math-Verify itself: the same signatures, and the same answers where Math-Verify is right."""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor

import math_verify
import pytest

from evaluators.adapters.math_verify import math_metric, parse, verify

AGREED = [
    ("$\\frac{1}{2}$", "The answer is $0.5$", True),
    ("${1,3} \\cup {2,4}$", "${1,2,3,4}$", True),
    ("$x=3$", "so it must be \\boxed{3}", True),
    ("7", "I think it is 8.", False),
    ("\\boxed{2\\sqrt{2}}", "\\boxed{\\sqrt{8}}", True),
    ("$(1,2)$", "$(2,1)$", False),
]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(parse, math_verify.parse), (verify, math_verify.verify), (math_metric, math_verify.math_metric)],
)
def test_each_function_takes_what_math_verifys_takes(ours: object, theirs: object) -> None:
    mine, published = (inspect.signature(function).parameters for function in (ours, theirs))  # type: ignore[arg-type]
    assert list(mine) == list(published)
    assert all(
        (a.default is a.empty) == (b.default is b.empty) for a, b in zip(mine.values(), published.values(), strict=True)
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("gold", "output", "same"), [case for case in AGREED if case[0] != "${1,3} \\cup {2,4}$"])
def test_plain_answers_have_the_verdict_of_math_verify(gold: str, output: str, same: bool) -> None:
    assert verify(parse(gold), parse(output)) is same
    assert math_verify.verify(math_verify.parse(gold), math_verify.parse(output)) is same


def test_the_metric_scores_predictions_and_tells_what_it_read() -> None:
    metric = math_metric()
    assert metric(["$\\frac12$"], ["It is \\boxed{0.5}", "\\boxed{3}"]) == (1.0, (["\\frac12"], ["0.5", "3"]))
    assert math_metric(aggregation_function=min)(["1"], ["1", "2"])[0] == 0.0
    assert metric(["1"], [""]) == (0.0, (["1"], []))
    with pytest.raises(ValueError, match="expected an answer in each"):
        metric([""], ["1"])


def test_it_works_in_threads_where_signals_cannot() -> None:
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda n: verify(parse(f"${n}$"), parse(f"\\boxed{{{n}.0}}")), range(50)))
    assert verdicts == [True] * 50


def test_sympy_objects_are_taken_as_math_verify_returns_them() -> None:
    import sympy

    assert verify([sympy.Rational(1, 2), "1/2"], [sympy.Float(0.5)])
    assert verify(sympy.sqrt(2) / 2, "1/\\sqrt{2}")
    assert not verify(sympy.Integer(2), sympy.Integer(3))
