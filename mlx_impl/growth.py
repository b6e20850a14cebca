"""Which block the model would grow by. Reference: `lyceum.personas.aristotle.grow`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten


def potentials(model: nn.Module, outputs: Sequence[str], gradients: Callable[[], dict]) -> dict[int, float]:
    """{block that the model skips: the norm of the loss's gradient in its output matrices}.

    outputs: their names in a block. gradients: computes those of the model as it is when it is called.
    """
    skipped, model.skipped = model.skipped, frozenset()
    by_name = dict(tree_flatten(gradients()))
    model.skipped = skipped
    return {i: sum(mx.square(by_name[f"blocks.{i}.{name}"]).sum().item() for name in outputs) ** 0.5 for i in skipped}
