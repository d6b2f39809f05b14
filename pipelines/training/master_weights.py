"""bfloat16 weights that can still learn: the optimiser works on float32 copies.

bfloat16 keeps 8 bits of a number; an update of one part in a thousand would round away. The model computes with the
rounded weights, so elementwise work moves half the bytes, which is most of the time of a small model on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


class MasterWeights:
    """float32 copies of the trained parameters of a bfloat16 model; part of its checkpoints."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self._rounded = [parameter for parameter in parameters if parameter.requires_grad]
        self.weights = [nn.Parameter(parameter.detach().to(torch.float32)) for parameter in self._rounded]

    def parameters(self) -> list[nn.Parameter]:
        return self.weights

    def take_gradients(self) -> None:
        """Move the gradients that a backward pass left on the model over to the copies."""
        for rounded, weight in zip(self._rounded, self.weights, strict=True):
            weight.grad = None if rounded.grad is None else rounded.grad.to(torch.float32)
            rounded.grad = None

    def give_weights(self) -> None:
        """Round the copies into the model."""
        with torch.no_grad():
            for rounded, weight in zip(self._rounded, self.weights, strict=True):
                rounded.copy_(weight)

    def state_dict(self) -> dict[str, Tensor]:
        return {str(index): weight.detach() for index, weight in enumerate(self.weights)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for index, weight in enumerate(self.weights):
                weight.copy_(state[str(index)])
        self.give_weights()
