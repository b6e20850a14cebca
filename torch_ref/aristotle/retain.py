"""A21, habit. Reference: `lyceum.personas.aristotle.retain`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lyceum.personas.aristotle import retain as reference
from torch_ref.registry import implements


@implements(reference.Elastic)
class Elastic(nn.Module):
    """Gradients with a pull to the weights of a first text.

    Rows without information are not pulled, so they are left out: most of a vocabulary's, which is most of the model.
    """

    def __init__(self, strength: float, weights: dict[str, np.ndarray], fisher: dict[str, np.ndarray]):
        super().__init__()
        self.strength = strength
        rows = {name: np.flatnonzero(x.reshape(len(x), -1).any(1)) for name, x in fisher.items()}
        self.rows = {name: torch.from_numpy(x) for name, x in rows.items()}
        self.weights = {name: torch.from_numpy(weights[name][x]) for name, x in rows.items()}
        self.fisher = {name: torch.from_numpy(fisher[name][x]) for name, x in rows.items()}

    def _apply(self, fn, recurse: bool = True) -> Elastic:  # what `to` calls: a dictionary's tensors move too
        for tables in (self.rows, self.weights, self.fisher):
            tables.update({name: fn(x) for name, x in tables.items()})
        return super()._apply(fn, recurse)

    def pull(self, g: Tensor, w: Tensor, weights: Tensor, fisher: Tensor) -> Tensor:
        """A parameter's gradient, its value, w* and F, of one shape -> the gradient with the pull."""
        return torch.addcmul(g, fisher, w - weights, value=self.strength)

    @torch.no_grad()
    def restrain(self, gradients: dict[str, Tensor], parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Gradients and parameters by name -> the gradients with the pull, in their memory."""
        for name, gradient in gradients.items():
            rows = self.rows[name]
            g, w = gradient.index_select(0, rows), parameters[name].index_select(0, rows)
            gradient.index_copy_(0, rows, self.pull(g, w, self.weights[name], self.fisher[name]))
        return gradients
