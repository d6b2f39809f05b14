"""A causal language model that scores tokens: the part of it that is trained, and how it is loaded and saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.training.batches import Batch
from pipelines.training.run_settings import MachineSettings

RESCALED_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")
"""Configuration keys of architectures whose logits are more than the output embedding of the last hidden state."""


class LanguageModel(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """Wraps a Hugging Face model so that its forward pass gives log pi(o_t | q, o_<t) of the scored tokens alone.

    The output embedding is the widest matrix of a small model: applying it only where a token is scored saves the
    prompt's share of it, in time and in memory (vocabulary x 4 bytes a token).
    """

    def __init__(self, model: Any, *, temperature: float = 1.0) -> None:
        """`temperature`: that at which outputs are drawn, so that what is scored is the policy that drew them."""
        super().__init__()
        self.model = model
        self.temperature = temperature
        self.whole_forward = any(getattr(model.config, key, None) not in (None, 1.0) for key in RESCALED_LOGITS)

    def forward(self, batch: Batch) -> Tensor:
        """Natural log-probability of each scored token, float32, [tokens]."""
        inputs = {"input_ids": batch.input_ids, "position_ids": batch.position_ids, "use_cache": False}
        if self.whole_forward:
            logits = self.model(**inputs).logits.flatten(0, 1)[batch.scored - 1]
        else:
            hidden = self.model.get_decoder()(**inputs).last_hidden_state.flatten(0, 1)
            logits = self.model.get_output_embeddings()(hidden[batch.scored - 1])
        targets = batch.input_ids.flatten()[batch.scored]
        return -functional.cross_entropy(logits.float() / self.temperature, targets, reduction="none")


def load_policy(
    folder: Path, machine: MachineSettings, *, trained: bool = True, temperature: float = 1.0
) -> LanguageModel:
    """The model of a folder with float32 weights; a reference model (`trained=False`) takes no gradient."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation=machine.attention, local_files_only=True
    )
    policy = LanguageModel(model, temperature=temperature)
    if not trained:
        policy.requires_grad_(False).eval()
        return policy
    if machine.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if machine.trainable_layers is not None:
        _freeze_below(model, machine.trainable_layers)
    policy.train()
    return policy


def _freeze_below(model: Any, layers: int) -> None:
    """Leave the uppermost `layers` decoder layers and the final norm to be trained; embeddings stay as they are."""
    model.requires_grad_(False)
    decoder = model.get_decoder()
    for layer in [*list(decoder.layers)[-layers:], decoder.norm]:
        layer.requires_grad_(True)


def tied_names(model: nn.Module) -> set[str]:
    """Names under which a parameter is known besides its first."""
    every = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    return every - {name for name, _ in model.named_parameters()}


def save_policy(policy: LanguageModel, state: dict[str, Tensor] | None, source: Path, folder: Path) -> None:
    """Write the trained model as a Hugging Face folder in the dtype that its base was stored in, with its tokenizer.

    `state` is the gathered state of a sharded policy (None: take the policy's own).
    """
    from transformers import AutoConfig, AutoTokenizer

    stored = AutoConfig.from_pretrained(source, local_files_only=True)
    dtype = stored.dtype or torch.float32
    weights = state if state is not None else policy.state_dict()
    cast = {name.removeprefix("model."): value.detach().to(dtype) for name, value in weights.items()}
    for name in tied_names(policy.model):  # gathered shards hold the weight once under each of its names
        cast.pop(name, None)
    policy.model.config.dtype = dtype
    policy.model.save_pretrained(folder, state_dict=cast)
    AutoTokenizer.from_pretrained(source, local_files_only=True).save_pretrained(folder)
