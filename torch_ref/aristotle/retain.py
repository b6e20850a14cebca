"""A21, habit. Reference: `lyceum.personas.aristotle.retain`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lyceum.personas.aristotle import retain as reference
from torch_ref.registry import implements


@implements(reference.Elastic)
class Elastic(nn.Module):
    """Gradients with a pull to the weights of a first text."""

    def __init__(self, strength: float, weights: dict[str, np.ndarray], fisher: dict[str, np.ndarray]):
        super().__init__()
        self.strength = strength
        self.weights = {name: torch.from_numpy(x) for name, x in weights.items()}
        self.fisher = {name: torch.from_numpy(x) for name, x in fisher.items()}

    def _apply(self, fn, recurse: bool = True) -> Elastic:  # what `to` calls: a dictionary's tensors move too
        self.weights, self.fisher = ({name: fn(x) for name, x in xs.items()} for xs in (self.weights, self.fisher))
        return super()._apply(fn, recurse)

    def pull(self, g: Tensor, w: Tensor, weights: Tensor, fisher: Tensor) -> Tensor:
        """A parameter's gradient, its value, w* and F, of one shape -> the gradient with the pull."""
        return torch.addcmul(g, fisher, w - weights, value=self.strength)

    @torch.no_grad()
    def restrain(self, gradients: dict[str, Tensor], parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Gradients and parameters by name -> the gradients with the pull."""
        return {
            name: self.pull(g, parameters[name], self.weights[name], self.fisher[name]) for name, g in gradients.items()
        }
