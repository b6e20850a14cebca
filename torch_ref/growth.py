"""Which block the model would grow by. Reference: `lyceum.personas.aristotle.grow`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn


def potentials(model: nn.Module, outputs: Sequence[str], mean_loss: Callable[[], Tensor]) -> dict[int, float]:
    """{block that the model skips: the norm of the loss's gradient in its output matrices}.

    outputs: their names in a block. mean_loss: computes the loss of the model as it is when it is called.
    """
    skipped, model.skipped = model.skipped, frozenset()
    matrices = {i: [model.get_parameter(f"blocks.{i}.{name}") for name in outputs] for i in skipped}
    gradients = iter(torch.autograd.grad(mean_loss(), [p for some in matrices.values() for p in some]))
    model.skipped = skipped
    return {i: sum(next(gradients).square().sum().item() for _ in outputs) ** 0.5 for i in matrices}


def born_at(born: np.ndarray, name: str) -> int:
    """When a parameter's block became active, from that of every block; what is in no block was so from the start."""
    return int(born[int(name.split(".")[1])]) if name.startswith("blocks.") else 0
