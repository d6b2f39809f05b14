"""reasoning-gym as a source; what needs the package skips where it is not installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from evaluators.records import Problem
from pipelines.mixtures.source import SourceError, SourceSettings, write_source
from pipelines.mixtures.source_reading import check_source
from pipelines.mixtures.sources import judged_by_source, source_named
from pipelines.mixtures.sources.reasoning_gym import MATHEMATICS
from pipelines.mixtures.verification import Solution, VerificationSettings, verified

SETTINGS = SourceSettings(source="reasoning_gym", rows=2 * len(MATHEMATICS))


class Maker:
    """Answers to "make 5" are right if they are 5: several are."""

    category = "arithmetic"

    def __getitem__(self, index: int) -> dict[str, str]:
        return {"question": f"Make {index + 5} of 2, 3 and 4.", "answer": "2 + 3" if index == 0 else "9"}

    def score_answer(self, answer: str, entry: dict[str, str]) -> float:
        assert "(" not in answer or "exit" not in answer  # no code comes here
        return float(answer.replace(" ", "") in ("2+3", "3+2", "9"))


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.mixtures.sources import reasoning_gym

    monkeypatch.setattr(reasoning_gym, "_dataset", lambda name, seed: Maker())


async def verdict_of(response: str) -> Any:
    problem = Problem(id="reasoning_gym/countdown/0/0", benchmark="rg", question="Make 5.", reference="2 + 3")
    solution = Solution(problem=problem, form="cot", response=response)
    return (await verified([solution], VerificationSettings()))[0]


def test_the_missing_package_is_told_before_the_run_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(
        SourceError, match=r"reasoning-gym 0\.1\.25; found none\. Install it: pip install 'mathsieve\[reasoning-gym\]'"
    ):
        check_source(SETTINGS)


def test_answers_are_judged_by_the_verifier_of_the_kind(scripted: None) -> None:
    import asyncio

    right = asyncio.run(verdict_of("We add. The answer is $\\boxed{3 + 2}$."))
    wrong = asyncio.run(verdict_of("The answer is $\\boxed{2 + 2}$."))
    assert (right.kept, right.verified) == (True, True)
    assert (wrong.kept, wrong.reason, wrong.detail) == (False, "wrong_answer", "by the source's own verifier")


def test_problems_of_other_sources_have_no_such_verifier(scripted: None) -> None:
    assert judged_by_source("gsm8k/train/3", "5") is None
    assert judged_by_source("reasoning_gym/row/1", "5") is None
    assert judged_by_source("reasoning_gym/countdown/0/0", None) is None
    assert source_named("gsm8k").judge is None


def test_the_package_s_problems_are_verified_and_made_again_from_their_ids(tmp_path: Path) -> None:
    pytest.importorskip(
        "reasoning_gym", reason="reasoning-gym is not installed: pip install 'mathsieve[reasoning-gym]'"
    )
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        facts = write_source(tmp_path / name, SETTINGS)
    one, two = (pq.read_table(tmp_path / name / "examples-00000.parquet").to_pylist() for name in ("one", "two"))
    assert one == two
    assert facts["rows"] == facts["verified"] == len(MATHEMATICS) * 2
    assert {row["field"] for row in one} >= {"algebra", "geometry", "number_theory", "probability", "other"}
    for row in one:
        assert judged_by_source(row["problem_id"], row["reference"]) is True
        assert judged_by_source(row["problem_id"], "no such thing") is False


@pytest.mark.parametrize("answer", ["__import__('os').getcwd()", "9**9**9**9", "exit()", "", "2 + 3" * 100])
def test_what_a_verifier_would_evaluate_is_arithmetic_or_wrong(scripted: None, answer: str) -> None:
    assert judged_by_source("reasoning_gym/countdown/0/0", answer) is False
