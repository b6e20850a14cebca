"""Which block the model would grow by. Reference: `lyceum.personas.aristotle.grow`."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten


def potentials(model: nn.Module, outputs: tuple[str, ...], gradients: Callable[[], dict]) -> dict[int, float]:
    """{block that the model skips: the norm of the loss's gradient in its output matrices}.

    outputs: how their names end. gradients: computes those of the model as it is when it is called.
    """
    skipped, model.skipped = model.skipped, frozenset()
    blocks = gradients()["blocks"]
    model.skipped = skipped
    matrices = {i: [g for name, g in tree_flatten(blocks[i]) if name.endswith(outputs)] for i in skipped}
    return {i: sum(mx.square(g).sum().item() for g in some) ** 0.5 for i, some in matrices.items()}
