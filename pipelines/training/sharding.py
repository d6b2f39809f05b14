"""Weights that no process holds whole: PyTorch's FSDP2, on each decoder layer and on what is left of the model.

accelerate's own FSDP is left aside: it refuses a CPU, so that no test of it would run here, and it finds neither the
layers nor the tied embeddings of a model that stands inside a LanguageModel, and then trains them wrong without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from pipelines.training.language_model import LanguageModel

SHARDS = "shards"
"""The folder of a checkpoint that holds them, in PyTorch's distributed format, for any number of processes."""


def shard(model: LanguageModel, accelerator: Any) -> LanguageModel:
    """Leave each process its share of every weight. Embeddings that are tied are one weight, gathered with the root.

    Everything is given up again after a forward pass, so that between passes each parameter is a shard.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    for layer in model.model.get_decoder().layers:
        fully_shard(layer, mesh=mesh, reshard_after_forward=True)
    fully_shard(model, mesh=mesh, reshard_after_forward=True)
    return model


def whole_state(model: nn.Module) -> dict[str, Tensor]:
    """All weights on the CPU of the main process; nothing elsewhere. All processes must call it."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state: dict[str, Tensor] = get_model_state_dict(model, options=options)
    return state


def save_shards(folder: Path, policy: nn.Module, optimiser: Any, kept: Mapping[str, nn.Module]) -> None:
    """Weights and optimiser, and the weights of what is `kept` beside them, each process its own share."""
    import torch.distributed.checkpoint as distributed_checkpoint

    distributed_checkpoint.save(_state(policy, optimiser, kept), checkpoint_id=folder / SHARDS)


def load_shards(folder: Path, policy: nn.Module, optimiser: Any, kept: Mapping[str, nn.Module]) -> None:
    import torch.distributed.checkpoint as distributed_checkpoint
    from torch.distributed.checkpoint.state_dict import set_model_state_dict, set_state_dict

    state = _state(policy, optimiser, kept)
    distributed_checkpoint.load(state, checkpoint_id=folder / SHARDS)
    set_state_dict(policy, optimiser, model_state_dict=state["policy"], optim_state_dict=state["optimiser"])
    for name, module in kept.items():
        set_model_state_dict(module, state[name])


def _state(policy: nn.Module, optimiser: Any, kept: Mapping[str, nn.Module]) -> dict[str, Any]:
    from torch.distributed.checkpoint.state_dict import get_model_state_dict, get_state_dict

    weights, moments = get_state_dict(policy, optimiser)
    return {"policy": weights, "optimiser": moments} | {name: get_model_state_dict(m) for name, m in kept.items()}


def copy_whole(policy: nn.Module, copy: nn.Module) -> None:
    """Gather a sharded policy into a model that every process holds whole. All processes must call it.

    Outputs are drawn from such a copy: `generate` calls a model's modules one by one, as often as an output has tokens, and
    the processes' outputs differ in length.
    """
    with torch.no_grad():
        for whole, part in zip(copy.parameters(), policy.parameters(), strict=True):
            whole.copy_(part.full_tensor() if isinstance(part, DTensor) else part)
