"""TRL's own trainer calls the reward, on a tiny model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluators.adapters.trl import answer_reward, trajectory_reward
from evaluators.service import LocalJudge


def test_plain_and_conversational_completions_are_rewarded_by_their_answers() -> None:
    reward = answer_reward(LocalJudge())
    said = ["So \\boxed{1/2}", "\\boxed{0.3}", "\\boxed{0.5}", "\\boxed{1}"]
    assert reward(completions=said, answer=["0.5", "0.5", "\\frac{1}{2}", None]) == [1.0, 0.0, 1.0, None]
    turns = [[{"role": "assistant", "content": text}] for text in said[:2]]
    assert reward(completions=turns, answer=["0.5", "0.5"], prompts=["a", "b"]) == [1.0, 0.0]


def test_a_last_number_earns_nothing_unless_the_profile_says_so() -> None:
    said = ["I get 5 and then 7"]
    assert answer_reward(LocalJudge())(completions=said, answer=["7"]) == [0.0]
    assert answer_reward(LocalJudge(), profile="strict")(completions=said, answer=["7"]) == [1.0]


def test_a_missing_column_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"expected a column 'answer' of 1 rows; found the columns \['solution'\]"):
        answer_reward(LocalJudge())(completions=["1"], solution=["1"])


def test_an_output_that_was_made_up_earns_nothing() -> None:
    right = "```python\nprint(6*7)\n```\n```output\n42\n```\nThe answer is $\\boxed{42}$."
    with LocalJudge() as judge:
        reward = trajectory_reward(judge)
        forged = right.replace("6*7", "6*6")
        assert reward(completions=[right, forged, right], answer=["42", "42", "41"]) == [1.0, 0.0, 0.0]


@pytest.mark.filterwarnings("ignore")  # TRL's, transformers' and torch's own
def test_trls_grpo_trainer_trains_on_the_reward(tiny_model: Path, tmp_path: Path) -> None:
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    asked: list[Any] = []
    reward = answer_reward(LocalJudge())

    def recorded(completions: list[str], **columns: Any) -> list[float | None]:
        asked.append((completions, columns["answer"]))
        return reward(completions=completions, **columns)

    torch.manual_seed(0)
    settings = GRPOConfig(
        output_dir=str(tmp_path), per_device_train_batch_size=4, num_generations=4, max_completion_length=4, max_steps=1,
        logging_steps=1, report_to=[], use_cpu=True, save_strategy="no", bf16=False, disable_tqdm=True,
    )  # fmt: skip
    trainer = GRPOTrainer(
        model=str(tiny_model),
        reward_funcs=recorded,
        args=settings,
        train_dataset=Dataset.from_list([{"prompt": "1+1=", "answer": "2"}] * 4),
        processing_class=AutoTokenizer.from_pretrained(tiny_model),
    )
    trainer.train()
    assert [len(completions) for completions, _ in asked] == [4]
    assert asked[0][1] == ["2"] * 4
    logged = [row for row in trainer.state.log_history if "reward" in row]
    assert logged[0]["reward"] == 0.0  # a random model gives no boxed answer
