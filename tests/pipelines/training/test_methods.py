"""Every method of the folder keeps the contract: its coefficients are the gradient of what it says it maximises."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from pipelines.recipe import TrainingRecipe
from pipelines.training.gradient import step_rewards, token_weights
from pipelines.training.methods import Method, MethodError, PolicyChoice, method_named, method_names, table_10
from pipelines.training.methods.dapo import DapoSettings
from pipelines.training.methods.dapo import choose as choose_of_dapo
from pipelines.training.methods.dr_grpo import DrGrpoSettings
from pipelines.training.methods.dr_grpo import choose as choose_of_dr_grpo
from pipelines.training.methods.grpo import GrpoSettings, units_by_step
from pipelines.training.run_settings import SamplingSettings
from pipelines.training.samples import Sample, step_ends
from pipelines.training.view import View

METHODS = [method_named(name) for name in method_names()]


def example_view(method: Method) -> View:
    example = method.example
    log_probs = torch.tensor(example.log_probs, dtype=torch.float64)

    def tensor(values: object, otherwise: torch.Tensor) -> torch.Tensor:
        return otherwise if values is None else torch.tensor(values, dtype=torch.float64)

    return View(
        log_probs=log_probs,
        drawn=tensor(example.drawn, log_probs.clone()),
        reference=None if example.reference is None else tensor(example.reference, log_probs),
        advantages=tensor(example.advantages, torch.ones_like(log_probs)),
        sequence=torch.repeat_interleave(torch.arange(len(example.lengths)), torch.tensor(example.lengths)),
        sequences=len(example.lengths),
    )


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_coefficients_of_the_example_are_those_worked_by_hand(method: Method) -> None:
    settings = method.settings.model_validate(method.example.settings)
    found = method.coefficients(example_view(method), settings)
    assert found.tolist() == pytest.approx(list(method.example.coefficients))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_coefficients_are_the_gradient_of_the_objective_by_finite_differences(method: Method) -> None:
    settings = method.settings.model_validate(method.example.settings)
    view = example_view(method)
    weights = token_weights(
        view.sequence, average=settings.optimiser.average, sequences=view.sequences, tokens=len(view.log_probs)
    )
    nudge = 1e-6

    def maximised(log_probs: torch.Tensor) -> float:
        return float((weights * method.objective(log_probs, view, settings)).sum())

    slopes = []
    for token in range(len(view.log_probs)):
        up, down = view.log_probs.clone(), view.log_probs.clone()
        up[token] += nudge
        down[token] -= nudge
        slopes.append((maximised(up) - maximised(down)) / (2 * nudge))
    assert (weights * method.coefficients(view, settings)).tolist() == pytest.approx(slopes, abs=1e-7)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_is_a_row_of_the_documented_table_and_a_choice_of_recipes(method: Method) -> None:
    assert table_10() in Path("docs/training.md").read_text(encoding="utf-8")
    assert method.title in table_10()
    if method.source != "packed":
        written = {"method": method.name} | ({"teacher": "."} if method.measured_by == "teacher" else {})
        assert isinstance(TypeAdapter(PolicyChoice).validate_python(written), method.settings)


def test_ppo_is_refused_with_what_is_there_instead() -> None:
    for ask in (lambda: method_named("ppo"), lambda: TrainingRecipe(policies={"mine": {"method": "ppo"}})):
        with pytest.raises((MethodError, ValidationError), match=r"value model as large as the policy.* Use grpo"):
            ask()
    with pytest.raises(MethodError, match=re.escape("method 'grop' is not known; did you mean grpo?")):
        method_named("grop")


def test_a_second_update_needs_a_ratio() -> None:
    with pytest.raises(ValidationError, match="online_rft: expected updates_per_exploration 1"):
        method_named("online_rft").settings(updates_per_exploration=2)
    assert GrpoSettings(updates_per_exploration=2).updates_per_exploration == 2


def sample(ids: list[int], reward: float, *, ends: tuple[int, ...] = (), finish: str = "stop") -> Sample:
    return Sample(
        problem_id="p",
        sample=0,
        prompt="",
        text="",
        prompt_ids=[1],
        output_ids=ids,
        finish=finish,
        reward=reward,
        outcome="",
        reason="",
        step_ends=ends,
    )


def test_reasoning_steps_end_with_their_line_breaks_and_with_the_output() -> None:
    text = "a=1\n\nb\nc"
    assert step_ends(text.encode(), lambda ids: bytes(ids).decode()) == [4, 6, 7]


def test_a_step_earns_what_the_outputs_that_pass_through_it_show() -> None:
    right, astray, wrong = [5, 6, 7, 8], [5, 6, 9, 9], [4, 6, 7, 8]
    ends = [[1, 3]] * 3
    assert step_rewards([right, astray, wrong], ends, [1, 0, 0]) == [[1, 1], [1, 0], [0, 0]]


def test_process_supervision_blames_a_wrong_output_from_where_it_leaves_the_right_ones() -> None:
    group = [sample([5, 6, 7, 8], 1.0, ends=(1, 3)), sample([5, 6, 9, 9, 9], 0.0, ends=(1, 4))]
    good, astray = units_by_step(group, GrpoSettings(supervision="process"))
    # Step rewards 1, 1 and 1, 0: mean 3/4, sample deviation 1/2, so 1/2 for a right step and -3/2 for the wrong one.
    assert good.advantages == pytest.approx((1.0, 1.0, 0.5, 0.5), abs=1e-3)
    assert astray.advantages == pytest.approx((-1.0, -1.0, -1.5, -1.5, -1.5), abs=1e-3)


def test_dapo_learns_from_groups_with_right_and_wrong_outputs_and_masks_what_was_cut() -> None:
    mixed = [sample([5, 2], 1.0), sample([5, 6, 7], 0.0, finish="length"), sample([6, 2], 0.0)]
    data = choose_of_dapo([mixed, [sample([5, 2], 1.0)] * 3, [sample([5, 2], 0.0)] * 3], DapoSettings())
    assert (len(data.units), data.sequences, data.tokens) == (2, 3, 4)


def test_dr_grpo_does_not_divide_by_the_deviation() -> None:
    units = choose_of_dr_grpo([[sample([5, 2], r) for r in (1.0, 0.0, 0.0, 0.0)]], DrGrpoSettings()).units
    assert [unit.advantages for unit in units] == [0.75, -0.25, -0.25, -0.25]


def test_dr_grpo_gives_each_token_one_weight_whatever_the_length_of_its_output() -> None:
    method, settings = method_named("dr_grpo"), DrGrpoSettings(sampling=SamplingSettings(max_new_tokens=8))
    view = example_view(method)
    weights = token_weights(view.sequence, average="sequence", sequences=2, tokens=3)
    found = weights * method.coefficients(view, settings) / view.advantages
    assert found.tolist() == pytest.approx([1 / (2 * 8)] * 3)


def test_the_loss_of_dpo_at_indifference_is_log_2() -> None:
    method = method_named("dpo")
    view = example_view(method)
    same = View(
        log_probs=view.log_probs,
        drawn=view.drawn,
        reference=view.log_probs,
        advantages=view.advantages,
        sequence=view.sequence,
        sequences=2,
    )
    weights = token_weights(view.sequence, average="sequence", sequences=1, tokens=3)
    objective = method.objective(same.log_probs, same, method.settings())
    assert -(weights * objective).sum().item() == pytest.approx(math.log(2))
