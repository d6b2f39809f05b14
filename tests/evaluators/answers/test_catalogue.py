"""The catalogue: hand-reasoned pairs over the language of answers, each with why. See catalogue.jsonl.

A prediction that is a list holds [text, times] parts, so that a bomb of a million characters stays one short line.
"""

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from evaluators.answers import check
from evaluators.answers.reading.readings import readings

CASES = [json.loads(line) for line in Path(__file__).with_name("catalogue.jsonl").read_text().splitlines()]
SECONDS = 2.0
"""CPU time of one check: the limit that the checker promises."""


def spelled(prediction: str | list[list[object]]) -> str:
    if isinstance(prediction, str):
        return prediction
    return "".join(str(text) * int(str(times)) for text, times in prediction)


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{c['kind']}" for n, c in enumerate(CASES, 1)])
def test_the_catalogue_is_judged_as_reasoned(case: dict[str, str]) -> None:
    begun = time.process_time()
    verdict = check(
        case["reference"],
        spelled(case["prediction"]),
        profile=case.get("profile", "strict"),
        problem=case.get("problem"),
    )
    assert verdict.correct == (case["expected"] == "correct"), f"{case['why']}: {verdict}"
    assert time.process_time() - begun < SECONDS


def test_the_catalogue_covers_what_must_be_rejected() -> None:
    expected = Counter(case["expected"] for case in CASES)
    assert len(CASES) >= 400 and expected["rejected"] >= 100
    assert sum(case["kind"] in ("bomb", "payload") for case in CASES) >= 50
    assert all(case["why"] for case in CASES)


def test_reward_accepts_nothing_that_strict_rejects() -> None:
    for case in (c for c in CASES if c.get("profile", "strict") == "strict"):
        prediction, problem = spelled(case["prediction"]), case.get("problem")
        if check(case["reference"], prediction, profile="reward", problem=problem).correct:
            assert check(case["reference"], prediction, problem=problem).correct, case


BOMB_SECONDS = 0.05
"""CPU time that a bomb may take; the best of three, since the machine of a test has other work too."""


def test_a_bomb_costs_next_to_nothing() -> None:
    for prediction in ("0.5", r"\pi", "一半", "x + y"):
        check(r"\frac{1}{2}", prediction)  # the modules that a first pair of its kind imports
    slow = []
    for case in (c for c in CASES if c["kind"] in ("bomb", "payload")):
        times = []
        for _ in range(3):
            readings.cache_clear()
            begun = time.process_time()
            check(case["reference"], spelled(case["prediction"]), profile=case.get("profile", "strict"))
            times.append(time.process_time() - begun)
        if min(times) > BOMB_SECONDS:
            slow.append((case, min(times)))
    assert slow == []
