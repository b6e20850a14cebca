"""Which block the model would grow by. Reference: `lyceum.personas.aristotle.grow`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn


def potentials(model: nn.Module, outputs: tuple[str, ...], mean_loss: Callable[[], Tensor]) -> dict[int, float]:
    """{block that the model skips: the norm of the loss's gradient in its output matrices}.

    outputs: how their names end. mean_loss: computes the loss of the model as it is when it is called.
    """
    skipped, model.skipped = model.skipped, frozenset()
    named = {i: model.blocks[i].named_parameters() for i in skipped}
    matrices = {i: [p for name, p in pairs if name.endswith(outputs)] for i, pairs in named.items()}
    gradients = iter(torch.autograd.grad(mean_loss(), [p for some in matrices.values() for p in some]))
    model.skipped = skipped
    return {i: sum(next(gradients).square().sum().item() for _ in some) ** 0.5 for i, some in matrices.items()}


def born_at(born: np.ndarray, name: str) -> int:
    """When a parameter's block became active, from that of every block; what is in no block was so from the start."""
    return int(born[int(name.split(".")[1])]) if name.startswith("blocks.") else 0
