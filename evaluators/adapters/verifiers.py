"""A taskset for Prime Intellect's verifiers: this project's templated problems, judged by this project's checker.

    from evaluators.adapters.verifiers import MathTaskset, MathTasksetConfig

    taskset = MathTaskset(MathTasksetConfig(id="mathsieve", count=1000, split="train"))

The problems are made by a program and have exact answers; `train` and `test` share no numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Literal

import verifiers.v1 as vf

from evaluators.adapters._judging import judge_from_environment
from evaluators.models.prompting import SUFFIXES
from evaluators.service import Output
from evaluators.service.records import ProfileName


class MathData(vf.TaskData):
    """A problem and its reference."""

    question: str
    reference: str


class MathTaskConfig(vf.TaskConfig):
    """How answers are judged."""

    profile: ProfileName = "reward"


class MathTasksetConfig(vf.TasksetConfig):
    """Which problems are made."""

    task: MathTaskConfig = MathTaskConfig()
    count: int = 1000
    split: Literal["train", "test"] = "train"
    language: Literal["en", "zh"] = "en"
    seed: int = 0


class MathTask(vf.Task[MathData, vf.State, MathTaskConfig]):
    """One problem; its reward is the verdict on the last reply."""

    @vf.reward
    async def correct(self, trace: vf.Trace) -> float:
        asked = Output(
            reference=self.data.reference,
            output=trace.last_reply,
            problem=self.data.question,
            profile=self.config.profile,
        )
        verdicts = await asyncio.to_thread(judge_from_environment().judge_outputs, [asked])
        return float(verdicts[0].correct)


class MathTaskset(vf.Taskset[MathTask, MathTasksetConfig]):
    """Templated problems of one split, the same for the same seed."""

    def load(self) -> Iterator[MathTask]:
        from evaluators.templated import generate

        settings = self.config
        for worked in generate(settings.count, language=settings.language, split=settings.split, seed=settings.seed):
            problem = worked.problem
            prompt = f"{problem.question}\n{SUFFIXES['cot', problem.language]}"
            data = MathData(id=problem.id, prompt=prompt, question=problem.question, reference=problem.reference)
            yield MathTask(data, settings.task)


__all__ = ["MathTaskset"]
