"""A reward function for TRL's GRPO, RLOO and Online-DPO trainers.

    from evaluators.adapters.trl import answer_reward

    trainer = GRPOTrainer(model=..., reward_funcs=answer_reward(), train_dataset=dataset)    # columns: prompt, answer

TRL calls it with lists and the data set's columns; a row without a reference has no reward (None), as TRL allows.
Set MATHSIEVE_JUDGE=http://127.0.0.1:8517 to have a server judge: many processes then share one queue and one sandbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evaluators.adapters._judging import chosen, text_of
from evaluators.service import Judge, Output
from evaluators.service.records import ProfileName, Trajectory

Reward = Callable[..., list[float | None]]


def answer_reward(
    judge: Judge | None = None,
    *,
    profile: ProfileName = "reward",
    reference: str = "answer",
    problem: str | None = None,
) -> Reward:
    """1.0 where the final answer is right, else 0.0. `reference` and `problem` name columns of the data set.

    The profile `reward` takes announced answers only, and none where several differ: see evaluators.answers.
    """

    def mathsieve_answer(completions: Sequence[object], **columns: Any) -> list[float | None]:
        references = _column(columns, reference, len(completions))
        problems = _column(columns, problem, len(completions)) if problem else [None] * len(completions)
        asked = [
            Output(reference=str(right), output=text_of(said), problem=question, profile=profile)
            for said, right, question in zip(completions, references, problems, strict=True)
            if right is not None
        ]
        verdicts = iter(chosen(judge).judge_outputs(asked))
        return [None if right is None else float(next(verdicts).correct) for right in references]

    return mathsieve_answer


def trajectory_reward(
    judge: Judge | None = None, *, profile: ProfileName = "reward", reference: str = "answer"
) -> Reward:
    """For tool-integrated completions: the programs are run again, and an output that was made up earns nothing."""

    def mathsieve_trajectory(completions: Sequence[object], **columns: Any) -> list[float | None]:
        references = _column(columns, reference, len(completions))
        asked = [
            Trajectory(text=text_of(said), reference=str(right), profile=profile)
            for said, right in zip(completions, references, strict=True)
            if right is not None
        ]
        told = iter(chosen(judge).judge_trajectories(asked))
        rewards: list[float | None] = []
        for right in references:
            one = None if right is None else next(told)
            rewards.append(None if one is None else float(one.verdict.correct and one.honest))
        return rewards

    return mathsieve_trajectory


def _column(columns: dict[str, Any], name: str, size: int) -> list[Any]:
    found = columns.get(name)
    if not isinstance(found, list) or len(found) != size:
        kinds = sorted(key for key, value in columns.items() if isinstance(value, list))
        raise ValueError(f"reward: expected a column {name!r} of {size} rows; found the columns {kinds}")
    return found
