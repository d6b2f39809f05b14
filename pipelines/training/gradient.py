"""The gradient coefficients of DeepSeekMath A.1, and the one loss whose gradient they make. Tensors in, tensors out.

Tokens are flat: the scored tokens of all sequences of a batch stand in one vector, and `sequence` says which sequence
each belongs to. Log-probabilities are natural logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

STD_EPSILON = 1e-4
"""Added to a group's standard deviation before dividing, as TRL 1.16 does; the paper divides by std alone."""


def surrogate_loss(log_probs: Tensor, coefficients: Tensor, weights: Tensor) -> Tensor:
    """A scalar whose gradient is -sum_t weight * GC * grad log pi: what the optimiser descends.

    Coefficients are constants here (detached), however they were computed: this is the formula of §5.2.1 itself.
    `weights` hold the averaging: 1/|o| over the number of sequences, or 1 over the number of tokens.
    """
    return -(weights * coefficients.detach() * log_probs).sum()


def token_weights(sequence: Tensor, *, average: str, sequences: int, tokens: int) -> Tensor:
    """Weight of each token in a batch of `sequences` sequences and `tokens` scored tokens (of the whole batch)."""
    if average == "token":
        return torch.full(sequence.shape, 1.0 / tokens, device=sequence.device)
    lengths = torch.bincount(sequence)
    return 1.0 / (lengths[sequence] * sequences)


def group_advantages(rewards: Tensor) -> Tensor:
    """(r - mean) / std within each row of [groups, group size]; 0 where a whole group was rewarded alike (§4.1.2).

    std is the sample standard deviation, as TRL and torch have it.
    """
    if rewards.shape[-1] < 2:
        return torch.zeros_like(rewards)
    centred = rewards - rewards.mean(dim=-1, keepdim=True)
    return centred / (rewards.std(dim=-1, keepdim=True) + STD_EPSILON)


def process_advantages(step_rewards: Sequence[Tensor], step_ends: Sequence[Tensor], length: int) -> Tensor:
    """Advantages of process supervision (§4.1.3), [outputs, length]: of each token, the sum of what follows it.

    `step_rewards[i][j]` rewards the reasoning step of output i whose last token has index `step_ends[i][j]`. Rewards
    are normalised over all steps of the whole group.
    """
    normalised = group_advantages(torch.cat(list(step_rewards)).unsqueeze(0)).squeeze(0)
    positions = torch.arange(length)
    rows = []
    for rewards, ends in zip(normalised.split([len(r) for r in step_rewards]), step_ends, strict=True):
        follows = ends.unsqueeze(1) >= positions.unsqueeze(0)
        rows.append((follows * rewards.unsqueeze(1)).sum(dim=0))
    return torch.stack(rows)


def kl_estimate(log_probs: Tensor, reference: Tensor) -> Tensor:
    """pi_ref/pi - log(pi_ref/pi) - 1 for each token: unbiased and never negative (§4.1.1, equation 4)."""
    log_ratio = reference - log_probs
    return log_ratio.exp() - log_ratio - 1


def grpo_coefficients(advantages: Tensor, log_probs: Tensor, reference: Tensor, beta: float) -> Tensor:
    """A_hat + beta * (pi_ref/pi_theta - 1) for each token (A.1.6). `advantages` are per token."""
    return advantages + beta * ((reference - log_probs).exp() - 1)


def is_clipped(advantages: Tensor, ratio: Tensor, low: float, high: float) -> Tensor:
    """Where min(r A, clip(r, 1 - low, 1 + high) A) has left the ratio behind, and with it the gradient (§4.1.1, eq. 3)."""
    return ((advantages > 0) & (ratio > 1 + high)) | ((advantages < 0) & (ratio < 1 - low))


def clipped_coefficients(advantages: Tensor, ratio: Tensor, low: float, high: float) -> Tensor:
    """The gradient of min(r A, clip(r) A) with respect to log pi: r A inside the clip, 0 beyond it."""
    return torch.where(is_clipped(advantages, ratio, low, high), 0.0, ratio * advantages)


def clipped_objective(advantages: Tensor, ratio: Tensor, low: float, high: float) -> Tensor:
    """min(r A, clip(r, 1 - low, 1 + high) A), for each element."""
    return torch.minimum(ratio * advantages, ratio.clamp(1 - low, 1 + high) * advantages)


def step_rewards(
    outputs: Sequence[Sequence[int]], ends: Sequence[Sequence[int]], rewards: Sequence[float]
) -> list[list[float]]:
    """1 for each reasoning step through which an output of the group came to a right answer, else 0.

    What a group shows of a step is what a Monte Carlo estimate of its worth (Math-Shepherd, arXiv 2312.08935) samples
    for it: outputs that begin with the same steps. So all steps of a right output earn 1, and of a wrong one those that it
    shares with a right one. `ends[i]` are the indices of the last tokens of output i's steps.
    """
    right = {
        tuple(output[: end + 1])
        for output, last, reward in zip(outputs, ends, rewards, strict=True)
        if reward > 0
        for end in last
    }
    return [
        [float(tuple(output[: end + 1]) in right) for end in last] for output, last in zip(outputs, ends, strict=True)
    ]


def sequence_sums(values: Tensor, sequence: Tensor, count: int) -> Tensor:
    """Sum of `values` over each of `count` sequences."""
    return torch.zeros(count, dtype=values.dtype, device=values.device).index_add_(0, sequence, values)


def dpo_coefficients(
    log_probs: Tensor, reference: Tensor, sequence: Tensor, *, pairs: int, beta: float, length_normalised: bool
) -> Tensor:
    """Per token, +beta * sigma(beta (wrong - right)) on right outputs and the negative of it on wrong ones (A.1.4).

    Sequences 2i and 2i + 1 are the right and the wrong output of pair i; right and wrong stand for their log-ratios
    log pi/pi_ref, averaged over the tokens (A.1.4) or summed (Rafailov et al. 2023). The paper drops the constant beta.
    """
    ratios = sequence_sums(log_probs - reference, sequence, 2 * pairs)
    if length_normalised:
        ratios = ratios / torch.bincount(sequence, minlength=2 * pairs).clamp(min=1)
    right, wrong = ratios.view(pairs, 2).unbind(dim=1)
    strength = beta * torch.sigmoid(beta * (wrong - right))
    return torch.stack([strength, -strength], dim=1).view(-1)[sequence]
