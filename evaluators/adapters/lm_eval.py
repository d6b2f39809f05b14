"""A filter, a metric and a task for lm-evaluation-harness.

    lm_eval --model vllm --tasks mathsieve_templated --include_path "$(python -m evaluators.adapters.lm_eval)"

The filter `mathsieve_answer` takes the final answer out of each output; `judge_document` is a task's `process_results`.
In a task of one's own: `process_results: !function judging.judge_document`, beside a file that imports it, as lm_eval_tasks/ does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lm_eval.api.filter import Filter
from lm_eval.api.registry import register_filter

from evaluators.adapters._judging import judge_from_environment
from evaluators.answers import extract
from evaluators.models.prompting import SUFFIXES
from evaluators.service import Output
from evaluators.service.records import ProfileName

TASKS = Path(__file__).with_name("lm_eval_tasks")
NO_ANSWER = "[no answer]"


@register_filter("mathsieve_answer")
class AnswerFilter(Filter):
    """Each output's final answer, boxed, so that what follows judges it as the answer that it is."""

    def __init__(self, profile: ProfileName = "strict") -> None:
        super().__init__()
        self._profile = profile

    def apply(self, resps: Iterable[Sequence[str]], docs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
        return [[self._answer(text) for text in texts] for texts in resps]

    def _answer(self, text: str) -> str:
        found = extract(text, profile=self._profile)
        return f"\\boxed{{{found.answer}}}" if found is not None else NO_ANSWER


def judge_document(doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, float]:
    """`strict` and `reward`: whether the first output is right under each profile. `doc` has question and reference."""
    output = results[0][0] if isinstance(results[0], list) else results[0]
    profiles: tuple[ProfileName, ...] = ("strict", "reward")
    asked = [
        Output(reference=str(doc["reference"]), output=output, problem=doc.get("question"), profile=profile)
        for profile in profiles
    ]
    verdicts = judge_from_environment().judge_outputs(asked)
    return {profile: float(verdict.correct) for profile, verdict in zip(profiles, verdicts, strict=True)}


def templated_problems(count: int = 200, language: str = "en", **_: Any) -> Any:
    """A data set of templated problems, by splits; lm-eval calls it as a task's `custom_dataset`."""
    from datasets import Dataset, DatasetDict

    from evaluators.templated import generate

    splits = {}
    for split in ("train", "test"):
        problems = [worked.problem for worked in generate(count, language=_language(language), split=split)]
        rows = [
            {
                "id": problem.id,
                "question": problem.question,
                "reference": problem.reference,
                "solution": problem.solution or "",
                "prompt": f"{problem.question}\n{SUFFIXES['cot', problem.language]}",
            }
            for problem in problems
        ]
        splits[split] = Dataset.from_list(rows)
    return DatasetDict(splits)


def _language(name: str) -> Any:
    if name not in ("en", "zh"):
        raise ValueError(f"language: expected en or zh; found {name!r}")
    return name


if __name__ == "__main__":
    print(TASKS)
