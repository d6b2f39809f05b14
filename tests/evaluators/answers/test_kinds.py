"""Pairs and outputs over the kinds of answers that are structures: parts, conditions, families, numerals, evidence.

See kinds.jsonl: its first line says where the cases are from.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from evaluators.answers import Verdict, check, check_output

_LINES = Path(__file__).with_name("kinds.jsonl").read_text(encoding="utf-8").splitlines()
CASES: dict[str, list[dict[str, Any]]] = defaultdict(list)
for _case in map(json.loads, _LINES[1:]):
    CASES[_case["kind"]].append(_case)


def judged(case: dict[str, Any], profile: str) -> Verdict:
    judge = check if case["call"] == "check" else check_output
    return judge(case["reference"], case["prediction"], profile=profile, problem=case.get("problem"))


@pytest.mark.parametrize("kind", CASES)
def test_each_case_of_the_kind_is_judged_as_reasoned(kind: str) -> None:
    verdicts = [(case, judged(case, case.get("profile", "strict"))) for case in CASES[kind]]
    assert [(case, verdict) for case, verdict in verdicts if verdict.correct != case["correct"]] == []


@pytest.mark.parametrize("kind", CASES)
def test_reward_accepts_nothing_that_is_wrong(kind: str) -> None:
    wrong = [case for case in CASES[kind] if not case["correct"]]
    assert [case for case in wrong if judged(case, "reward").correct] == []


def test_the_kinds_hold_what_must_be_rejected() -> None:
    cases = [case for kind in CASES.values() for case in kind]
    assert len(cases) >= 700 and sum(not case["correct"] for case in cases) >= 250
