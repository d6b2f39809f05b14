"""The functions that verl loads by path and name."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evaluators.adapters.verl as adapter

FILE = Path(adapter.__file__)


def loaded_as_verl_does(name: str) -> Callable[..., Any]:
    """verl's own way: a module made of the file, under a name of verl's."""
    spec = importlib.util.spec_from_file_location("custom_module", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., Any] = getattr(module, name)
    return function


def test_one_solution_is_scored_with_the_keys_that_verl_reads() -> None:
    score = loaded_as_verl_does("compute_score")
    told = score(data_source="any", solution_str="\\boxed{1/2}", ground_truth="0.5", extra_info={"index": 3})
    assert told == {"score": 1.0, "acc": 1.0, "pred": "1/2", "verdict": "correct"}
    assert score("any", "no answer", "0.5")["score"] == 0.0
    assert score("any", "\\boxed{4}", 4, {}, sandbox_fusion_url=None)["score"] == 1.0


def test_a_batch_is_scored_in_its_order_by_any_of_several_references() -> None:
    scores = loaded_as_verl_does("compute_scores")(
        data_sources=["a", "a", "a"],
        solution_strs=["\\boxed{3}", "\\boxed{4}", "\\boxed{5}"],
        ground_truths=["3", ["1", "4"], {"target": ["6"]}],
        extra_infos=[{}, None, {"question": "What?"}],
    )
    assert [one["score"] for one in scores] == [1.0, 1.0, 0.0]


@pytest.mark.filterwarnings("ignore")  # verl's, ray's and tensordict's own
def test_verls_batch_manager_gets_its_rewards(tool: Callable[[str], Any]) -> None:
    tool("verl")
    pytest.importorskip("ray", reason="verl imports ray, which is not installed here: `make adapters`")
    import numpy
    import torch
    from verl import DataProto
    from verl.workers.reward_manager.batch import BatchRewardManager

    class Tokenizer:
        eos_token = ""

        def decode(self, ids: Any, skip_special_tokens: bool = True) -> str:
            return "".join(map(chr, ids.tolist()))

    texts = ["\\boxed{12}", "\\boxed{13}"]
    responses = torch.tensor([[ord(letter) for letter in text] for text in texts])
    data = DataProto.from_dict(
        tensors={
            "prompts": torch.ones(2, 1, dtype=torch.long),
            "responses": responses,
            "attention_mask": torch.ones(2, 1 + responses.shape[1], dtype=torch.long),
        },
        non_tensors={
            "reward_model": numpy.array([{"ground_truth": "12"}] * 2, dtype=object),
            "data_source": numpy.array(["any"] * 2, dtype=object),
            "extra_info": numpy.array([{}, {}], dtype=object),
        },
    )
    manager = BatchRewardManager(Tokenizer(), 0, loaded_as_verl_does("compute_scores"))
    assert manager(data).sum(dim=-1).tolist() == [1.0, 0.0]
