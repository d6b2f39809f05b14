"""The gradients of this loop against TRL's own trainers, set as the paper has it, on the same tokens."""

from pathlib import Path

import pytest
import torch

from pipelines.training.batches import batch_of
from pipelines.training.gradient import dpo_coefficients, grpo_coefficients, surrogate_loss, token_weights
from pipelines.training.language_model import LanguageModel, load_policy
from pipelines.training.rows import row_of
from pipelines.training.run_settings import MachineSettings

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
