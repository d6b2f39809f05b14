"""The coefficients against the paper's own formulas: numbers worked by hand, and gradients taken by autograd."""

import math

import pytest
import torch
from torch.nn.functional import logsigmoid

from pipelines.training.gradient import (
    dpo_coefficients,
    group_advantages,
    grpo_coefficients,
    kl_estimate,
    process_advantages,
    surrogate_loss,
    token_weights,
)

SEQUENCE = torch.tensor([0, 0, 0, 1, 1, 2, 3, 3, 3, 3])
"""Four sequences of 3, 2, 1 and 4 tokens."""


def log_probs(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return -3 * torch.rand(len(SEQUENCE), generator=generator, dtype=torch.float64)


def test_advantages_are_rewards_in_standard_deviations_from_the_group_mean() -> None:
    # mean 1/2, sample variance (4 * 1/4) / 3 = 1/3
    advantages = group_advantages(torch.tensor([[1.0, 0.0, 0.0, 1.0]]))
    assert advantages.tolist() == [pytest.approx([x * 0.5 * math.sqrt(3) for x in (1, -1, -1, 1)], rel=1e-3)]


@pytest.mark.parametrize("rewards", [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0]])
def test_a_group_that_was_rewarded_alike_has_no_advantage(rewards: list[float]) -> None:
    assert group_advantages(torch.tensor([rewards])).tolist() == [[0.0] * len(rewards)]


def test_groups_do_not_see_each_other() -> None:
    rewards = torch.tensor([[1.0, 0.0], [9.0, 5.0]])
    assert torch.equal(group_advantages(rewards)[0], group_advantages(rewards[:1])[0])


def test_process_supervision_sums_the_rewards_of_the_steps_that_follow() -> None:
    # Two outputs of two steps; rewards 1, 0 and 0, 1 have mean 1/2 and sample deviation sqrt(1/3).
    unit = 0.5 * math.sqrt(3)
    advantages = process_advantages(
        [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])], [torch.tensor([1, 3]), torch.tensor([0, 2])], length=4
    )
    assert advantages[0].tolist() == pytest.approx([0, 0, -unit, -unit], abs=1e-3)
    assert advantages[1].tolist() == pytest.approx([0, unit, unit, 0], abs=1e-3)


def test_the_kl_estimate_of_half_the_probability() -> None:
    found = kl_estimate(torch.tensor(0.5).log(), torch.tensor(0.25).log())
    assert found.item() == pytest.approx(0.5 - math.log(0.5) - 1)


def test_the_kl_estimate_is_zero_for_equal_policies_and_positive_otherwise() -> None:
    assert kl_estimate(log_probs(0), log_probs(0)).abs().max() == 0
    assert kl_estimate(log_probs(0), log_probs(1)).min() > 0


def test_the_expected_kl_estimate_is_the_kl_divergence() -> None:
    policy, reference = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.2, 0.6])
    expected = (policy * (policy / reference).log()).sum()
    assert (policy * kl_estimate(policy.log(), reference.log())).sum().item() == pytest.approx(expected.item())


def test_grpo_coefficients_are_the_gradient_of_its_objective() -> None:
    """Equation 3 with one update per exploration: ratio * A - beta * KL, by token."""
    policy, reference, advantages = log_probs(0).requires_grad_(), log_probs(1), log_probs(2)
    ratio = (policy - policy.detach()).exp()
    (ratio * advantages - 0.04 * kl_estimate(policy, reference)).sum().backward()
    found = grpo_coefficients(advantages, policy.detach(), reference, 0.04)
    assert torch.allclose(policy.grad, found)


@pytest.mark.parametrize("length_normalised", [True, False])
def test_dpo_coefficients_are_the_gradient_of_its_objective(length_normalised: bool) -> None:
    """log sigma(beta (ratio of the right - ratio of the wrong)): A.1.4 with means over |o|, Rafailov et al. with sums."""
    policy, reference = log_probs(0).requires_grad_(), log_probs(1)
    parts = [(policy - reference)[i == SEQUENCE] for i in range(4)]
    ratios = [part.mean() if length_normalised else part.sum() for part in parts]
    objective = logsigmoid(0.1 * (ratios[0] - ratios[1])) + logsigmoid(0.1 * (ratios[2] - ratios[3]))
    objective.backward()
    found = dpo_coefficients(
        policy.detach(), reference, SEQUENCE, pairs=2, beta=0.1, length_normalised=length_normalised
    )
    lengths = torch.bincount(SEQUENCE)[SEQUENCE] if length_normalised else 1
    assert torch.allclose(policy.grad, found / lengths)


def test_a_pair_that_is_far_apart_already_pulls_less() -> None:
    def pull(right: float) -> float:
        values = torch.tensor([right, 0.0])
        return dpo_coefficients(
            values, torch.zeros(2), torch.tensor([0, 1]), pairs=1, beta=1.0, length_normalised=True
        )[0].item()

    assert pull(0.0) == pytest.approx(0.5)
    assert pull(3.0) == pytest.approx(1 / (1 + math.exp(3)))


def test_by_sequence_every_output_weighs_the_same_whatever_its_length() -> None:
    weights = token_weights(SEQUENCE, average="sequence", sequences=4, tokens=10)
    assert [weights[i == SEQUENCE].sum().item() for i in range(4)] == pytest.approx([0.25] * 4)


def test_by_token_every_token_weighs_the_same() -> None:
    assert token_weights(SEQUENCE, average="token", sequences=4, tokens=10).tolist() == pytest.approx([0.1] * 10)


def test_outputs_with_coefficient_zero_still_count_in_the_mean() -> None:
    """RFT's wrong outputs are not computed: 4 of 10 outputs in the batch, each weighs a tenth."""
    weights = token_weights(SEQUENCE, average="sequence", sequences=10, tokens=10)
    assert weights.sum().item() == pytest.approx(0.4)


def test_the_surrogate_takes_no_gradient_through_coefficients() -> None:
    policy = log_probs(0).requires_grad_()
    weights = torch.full((10,), 0.1, dtype=torch.float64)
    surrogate_loss(policy, 2 * policy, weights).backward()
    assert torch.allclose(policy.grad, -0.2 * policy.detach())
