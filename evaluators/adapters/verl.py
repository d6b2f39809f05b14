"""verl's custom reward: `compute_score` for one answer, `compute_scores` for a batch.

    custom_reward_function.path=.../evaluators/adapters/verl.py
    custom_reward_function.name=compute_score          # or compute_scores with reward_model.reward_manager=batch

verl calls it in Ray workers and threads; nothing here uses signals, and one process keeps one judge.
MATHSIEVE_JUDGE names a server, MATHSIEVE_PROFILE another profile than `reward`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

from evaluators.adapters._judging import judge_from_environment
from evaluators.answers import Verdict
from evaluators.service import Output
from evaluators.service.records import ProfileName


def compute_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: Mapping[str, Any] | None = None, **_: Any
) -> dict[str, Any]:
    """The score of one solution, as verl's `naive`, `dapo` and reward-loop managers ask for it."""
    return compute_scores([data_source], [solution_str], [ground_truth], [extra_info])[0]


def compute_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],
    extra_infos: Sequence[Mapping[str, Any] | None] | None = None,
    **_: Any,
) -> list[dict[str, Any]]:
    """The scores of a batch, as verl's `batch` manager asks for them; right where any of several references is met."""
    profile = cast(ProfileName, os.environ.get("MATHSIEVE_PROFILE", "reward"))
    infos = list(extra_infos) if extra_infos is not None else [None] * len(solution_strs)
    asked, owners = [], []
    for index, (text, truth, info) in enumerate(zip(solution_strs, ground_truths, infos, strict=True)):
        for reference in _references(truth):
            asked.append(Output(reference=reference, output=text, problem=_question(info), profile=profile))
            owners.append(index)
    verdicts: list[list[Verdict]] = [[] for _ in solution_strs]
    for owner, verdict in zip(owners, judge_from_environment().judge_outputs(asked), strict=True):
        verdicts[owner].append(verdict)
    return [_score(told) for told in verdicts]


def _references(truth: Any) -> list[str]:
    if isinstance(truth, str | int | float):
        return [str(truth)]
    if isinstance(truth, Mapping) and "target" in truth:  # as verl's search-R1 data has it
        return _references(truth["target"])
    return [str(one) for one in truth]


def _question(info: Mapping[str, Any] | None) -> str | None:
    question = (info or {}).get("question")
    return question if isinstance(question, str) else None


def _score(told: Sequence[Verdict]) -> dict[str, Any]:
    best = next((verdict for verdict in told if verdict.correct), told[0])
    score = float(best.correct)
    return {"score": score, "acc": score, "pred": best.prediction or "", "verdict": best.verdict}
