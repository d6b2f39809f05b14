"""SFT, RFT, Online RFT, DPO, PPO and GRPO as one gradient (DeepSeekMath §5.2.1 and A.1).

    grad J(theta) = E over (q, o) of  1/|o| * sum_t  GC(q, o, t) * grad log pi_theta(o_t | q, o_<t)

A method is where its (q, o) come from, and its gradient coefficient GC. Everything else in this folder (batches,
optimiser, checkpoints, log) is the same code for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """One row of the paper's Table 10, and whether this project trains it."""

    name: str
    title: str
    outputs: str
    """Where the outputs o come from."""
    coefficient: str
    reward: str
    """What judges an output: nothing, a rule, or a model."""
    trained: bool
    remark: str


METHODS = (
    MethodRow(
        name="sft",
        title="Supervised fine-tuning (SFT)",
        outputs="the SFT set",
        coefficient="1",
        reward="none",
        trained=True,
        remark="Loss on answers only; prompts and injected program output are masked.",
    ),
    MethodRow(
        name="rft",
        title="Rejection-sampling fine-tuning (RFT)",
        outputs="sampled from the SFT model",
        coefficient="1 if the answer is right, else 0",
        reward="rule",
        trained=True,
        remark="Outputs are drawn once, before training.",
    ),
    MethodRow(
        name="online_rft",
        title="Online RFT",
        outputs="sampled from the current policy",
        coefficient="1 if the answer is right, else 0",
        reward="rule",
        trained=True,
        remark="Differs from RFT only in who draws.",
    ),
    MethodRow(
        name="dpo",
        title="Direct preference optimisation (DPO)",
        outputs="(right, wrong) pairs sampled from the SFT model",
        coefficient="±beta * sigmoid(beta * (ratio of the wrong - ratio of the right)), ratio = log pi/pi_ref",
        reward="rule",
        trained=True,
        remark="A.1.4 leaves the constant beta out of GC and means each log-ratio over |o|.",
    ),
    MethodRow(
        name="ppo",
        title="Proximal policy optimisation (PPO)",
        outputs="sampled from the current policy",
        coefficient="the advantage A_t, by generalised advantage estimation from a value model",
        reward="model",
        trained=False,
        remark=(
            "Needs a value model as large as the policy, trained beside it, for a per-token baseline. GRPO takes the "
            "mean reward of the group as the baseline instead, which is the reason it exists (§4.1): so PPO is "
            "explained here and GRPO is trained."
        ),
    ),
    MethodRow(
        name="grpo",
        title="Group relative policy optimisation (GRPO)",
        outputs="groups of G sampled from the current policy",
        coefficient="(r - mean(r)) / std(r) over the group, + beta * (pi_ref/pi_theta - 1)",
        reward="rule",
        trained=True,
        remark="Departs from §4.2: a rule (the answer checker) rewards, not a reward model.",
    ),
)
