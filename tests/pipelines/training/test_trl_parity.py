"""The gradients of this loop against TRL's own trainers, set as the paper has it, on the same tokens."""

from pathlib import Path

import pytest
import torch

from pipelines.training.batches import batch_of
from pipelines.training.gradient import dpo_coefficients, grpo_coefficients, surrogate_loss, token_weights
from pipelines.training.language_model import LanguageModel, load_policy
from pipelines.training.methods import method_named
from pipelines.training.rows import row_of
from pipelines.training.run_settings import MachineSettings, SamplingSettings
from pipelines.training.view import View

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TRL and what it imports warn of their own deprecations
]
PROMPT = [1, 60, 61]
OUTPUTS = [[70, 71, 2], [80, 2], [90, 91, 92, 93, 2], [100, 101, 102, 2]]
ADVANTAGES = [1.5, -0.5, 0.25, -1.25]
WIDTH = max(len(output) for output in OUTPUTS)


def gradients(model: LanguageModel) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in model.model.named_parameters() if p.grad is not None}


def assert_equal_gradients(ours: LanguageModel, theirs: torch.nn.Module) -> None:
    mine = gradients(ours)
    other = {name: p.grad for name, p in theirs.named_parameters() if p.grad is not None}
    assert mine.keys() == other.keys()
    for name, gradient in mine.items():
        assert torch.allclose(gradient, other[name], atol=1e-6), name


def test_grpo_gives_the_gradient_of_trls_trainer(tiny_model: Path, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    arguments = GRPOConfig(
        output_dir=str(tmp_path),
        loss_type="grpo",
        beta=0.04,
        scale_rewards="group",
        use_bias_correction_kl=False,  # on by default in 1.16: it adds a term KL * grad log pi that equation 3 has not
        num_generations=4,
        per_device_train_batch_size=4,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
    )
    trainer = GRPOTrainer(
        model=str(tiny_model),
        args=arguments,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        train_dataset=Dataset.from_list([{"prompt": "1+1"}] * 4),
    )
    ours = load_policy(tiny_model, MachineSettings(device="cpu"))
    batch = batch_of([row_of(PROMPT, output) for output in OUTPUTS])
    log_probs = ours(batch)
    reference = log_probs.detach() + torch.linspace(-0.5, 0.5, len(log_probs))
    coefficients = grpo_coefficients(torch.tensor(ADVANTAGES)[batch.sequence], log_probs.detach(), reference, beta=0.04)
    weights = token_weights(batch.sequence, average="sequence", sequences=4, tokens=len(log_probs))
    surrogate_loss(log_probs, coefficients, weights).backward()

    mask = torch.tensor([[int(i < len(output)) for i in range(WIDTH)] for output in OUTPUTS])
    padded = torch.zeros(4, WIDTH)
    padded[mask.bool()] = reference
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    trainer._compute_loss(
        trainer.model,
        {
            "prompt_ids": torch.tensor([PROMPT] * 4),
            "prompt_mask": torch.ones(4, len(PROMPT), dtype=torch.long),
            "completion_ids": torch.tensor([output + [0] * (WIDTH - len(output)) for output in OUTPUTS]),
            "completion_mask": mask,
            "advantages": torch.tensor(ADVANTAGES),
            "ref_per_token_logps": padded,
        },
    ).backward()
    assert_equal_gradients(ours, trainer.model)


FAMILY = {
    "grpo": {"loss_type": "grpo", "beta": 0.04, "epsilon": 0.2},
    "dr_grpo": {"loss_type": "dr_grpo", "beta": 0.0, "epsilon": 0.2, "max_completion_length": 8},
    "dapo": {"loss_type": "dapo", "beta": 0.0, "epsilon": 0.2, "epsilon_high": 0.28},
    "cispo": {"loss_type": "cispo", "beta": 0.0, "epsilon_high": 5.0},
    "gspo": {
        "loss_type": "grpo",
        "beta": 0.0,
        "epsilon": 3e-4,
        "epsilon_high": 4e-4,
        "importance_sampling_level": "sequence",
    },
}


@pytest.mark.parametrize("name", FAMILY)
def test_each_method_of_the_family_gives_the_gradient_of_trls_loss_at_a_second_update(
    name: str, tiny_model: Path, tmp_path: Path
) -> None:
    """Outputs that an older policy drew: some tokens are beyond the clip and some inside it."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    trainer = GRPOTrainer(
        model=str(tiny_model),
        args=GRPOConfig(
            output_dir=str(tmp_path),
            scale_rewards="group",
            use_bias_correction_kl=False,
            num_generations=4,
            per_device_train_batch_size=4,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            report_to=[],
            **FAMILY[name],
        ),
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        train_dataset=Dataset.from_list([{"prompt": "1+1"}] * 4),
    )
    method = method_named(name)
    settings = method.settings(sampling=SamplingSettings(max_new_tokens=8))
    ours = load_policy(tiny_model, MachineSettings(device="cpu"))
    batch = batch_of([row_of(PROMPT, output) for output in OUTPUTS])
    log_probs = ours(batch)
    apart = torch.tensor([0.0, 0.1, -0.1, 0.0, 2e-4, 0.3, -0.3, 0.2, -0.3, 0.3, 2.0, 0.0, -1.0, 0.5])
    drawn = log_probs.detach() + apart
    reference = log_probs.detach() + torch.linspace(-0.5, 0.5, len(log_probs))
    view = View(
        log_probs=log_probs.detach(),
        drawn=drawn,
        reference=reference if method.measured_by == "start" else None,
        advantages=torch.tensor(ADVANTAGES)[batch.sequence],
        sequence=batch.sequence,
        sequences=4,
    )
    coefficients = method.coefficients(view, settings)
    weights = token_weights(batch.sequence, average=settings.optimiser.average, sequences=4, tokens=len(log_probs))
    surrogate_loss(log_probs, coefficients, weights).backward()

    mask = torch.tensor([[int(i < len(output)) for i in range(WIDTH)] for output in OUTPUTS])
    padded = {"old_per_token_logps": torch.zeros(4, WIDTH), "ref_per_token_logps": torch.zeros(4, WIDTH)}
    padded["old_per_token_logps"][mask.bool()] = drawn
    padded["ref_per_token_logps"][mask.bool()] = reference
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    loss = trainer._compute_loss(
        trainer.model,
        {
            "prompt_ids": torch.tensor([PROMPT] * 4),
            "prompt_mask": torch.ones(4, len(PROMPT), dtype=torch.long),
            "completion_ids": torch.tensor([output + [0] * (WIDTH - len(output)) for output in OUTPUTS]),
            "completion_mask": mask,
            "advantages": torch.tensor(ADVANTAGES),
            "num_items_in_batch": mask.sum(),
            **padded,
        },
    )
    loss.backward()
    assert_equal_gradients(ours, trainer.model)
    assert -float((weights * method.objective(view.log_probs, view, settings)).sum()) == pytest.approx(
        loss.item(), abs=1e-5
    )


def test_dpo_with_sums_gives_the_gradient_of_trls_trainer(tiny_model: Path, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    arguments = DPOConfig(
        output_dir=str(tmp_path),
        beta=0.1,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
    )
    rows = [{"prompt": "1+1=", "chosen": "2", "rejected": "3"}]
    trainer = DPOTrainer(model=str(tiny_model), args=arguments, train_dataset=Dataset.from_list(rows))
    with torch.no_grad():  # away from the reference, so that the coefficients differ between pairs
        for ours_and_theirs in trainer.model.parameters():
            ours_and_theirs.mul_(1.05)
    ours = load_policy(tiny_model, MachineSettings(device="cpu"))
    reference_model = load_policy(tiny_model, MachineSettings(device="cpu"), trained=False)
    ours.model.load_state_dict(trainer.model.state_dict())
    batch = batch_of([row_of(PROMPT, output) for output in OUTPUTS])
    log_probs = ours(batch)
    coefficients = dpo_coefficients(
        log_probs.detach(), reference_model(batch), batch.sequence, pairs=2, beta=0.1, length_normalised=False
    )
    surrogate_loss(log_probs, coefficients, torch.full((len(log_probs),), 1 / 2)).backward()

    pairs = [{"prompt_ids": PROMPT, "chosen_ids": OUTPUTS[2 * i], "rejected_ids": OUTPUTS[2 * i + 1]} for i in range(2)]
    trainer.model.train()
    trainer.compute_loss(trainer.model, DataCollatorForPreference(pad_token_id=0)(pairs)).backward()
    assert_equal_gradients(ours, trainer.model)
