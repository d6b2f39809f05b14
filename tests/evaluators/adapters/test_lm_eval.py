"""lm-evaluation-harness's own evaluator runs the task of this project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # the tool's own


@pytest.fixture
def adapter(tool: Callable[[str], Any]) -> Any:
    tool("lm_eval")
    return tool("evaluators.adapters.lm_eval")


def test_the_filter_gives_the_answer_of_each_output(adapter: Any) -> None:
    outputs = [["First 3, then \\boxed{4}."], ["The answer is 5."], [""]]
    assert adapter.AnswerFilter().apply(outputs, [{}] * 3) == [["\\boxed{4}"], ["\\boxed{5}"], ["[no answer]"]]


def test_the_harness_scores_a_model_that_knows_every_other_answer(adapter: Any) -> None:
    from lm_eval import simple_evaluate
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    references = {row["prompt"]: row["reference"] for row in adapter.templated_problems()["test"]}

    class Knowing(LM):
        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
            prompts = [request.arguments[0] for request in requests]
            return [
                f"So it is $\\boxed{{{references[prompt]}}}$." if index % 2 == 0 else "I do not know."
                for index, prompt in enumerate(prompts)
            ]

        def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> Any:
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

    told = simple_evaluate(
        model=Knowing(),
        tasks=["mathsieve_templated"],
        task_manager=TaskManager(include_path=str(adapter.TASKS), include_defaults=False),
        limit=20,
        bootstrap_iters=0,
    )
    row = told["results"]["mathsieve_templated"]
    assert (row["strict,answer"], row["reward,answer"]) == (0.5, 0.5)
