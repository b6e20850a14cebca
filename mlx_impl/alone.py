"""What an MLX trainer says of its model alone, without noise or memory, and what restrains it by a first text."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten

from mlx_impl.registry import build


def retain_of(plan) -> nn.Module | None:
    """What restrains the plan's training (`lyceum.personas.model.retain`), if a first text does."""
    retain = plan.modules.get("retain")
    return None if retain is None else build(retain)


class Alone:
    """Methods of a trainer."""

    def gradients(self, ids: np.ndarray, targets: np.ndarray, weight: np.ndarray) -> dict[str, np.ndarray]:
        """The gradient of the sum of weight * log p(target), all (B, T), by parameter."""
        weight = mx.array(weight, self.dtype)

        def total(ids: mx.array, targets: mx.array) -> mx.array:
            return -(self._model(training=True).losses(ids, targets, {}) * weight).sum()

        _, gradients = nn.value_and_grad(self.model, total)(mx.array(ids), mx.array(targets))
        return {name: np.array(g) for name, g in tree_flatten(gradients)}

    def laws(self, ids: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """ids (B, T), positions (n,) -> log p of every next id after them, (B, n, V) float32, nats."""
        x = self._model().hidden(mx.array(ids), {})[:, mx.array(positions)]
        return np.array(self.model.next_log_probs(x, ()).astype(mx.float32))

    def uncertainty(self, ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> what a memory's gate reads of the model, (B, T, 3) float32, nats."""
        return np.array(self._model().uncertainty(mx.array(ids)).astype(mx.float32))

    def _restrain(self, gradients: dict) -> dict:
        """A tree of gradients -> what a first text leaves of them, if there is one."""
        if self.retain:
            parameters = dict(tree_flatten(self.model.trainable_parameters()))
            restrained = self.retain.restrain(dict(tree_flatten(gradients)), parameters)
            gradients = tree_unflatten(list(restrained.items()))
        return gradients

    def _confine(self) -> None:
        """The parameters become what a first text leaves of them, if it confines them."""
        if hasattr(self.retain, "confine"):
            confined = self.retain.confine(dict(tree_flatten(self.model.trainable_parameters())))
            self.model.update(tree_unflatten(list(confined.items())))
