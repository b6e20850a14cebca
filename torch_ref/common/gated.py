"""The gated perceptron with any gate. Reference: `lyceum.personas.model.gated`."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class GatedPerceptron(nn.Module):
    """x (..., n_embd) -> the same shape. A subclass has `activate`."""

    def __init__(self, n_embd: int, hidden: int):
        super().__init__()
        self.up = nn.Linear(n_embd, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, n_embd, bias=False)

    def features(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the hidden layer, (..., hidden)."""
        a, b = self.up(x).chunk(2, dim=-1)
        return (1 + self.activate(a)) * b

    def rows(self) -> Tensor:
        """What each entry of the hidden layer adds to the stream, (hidden, n_embd)."""
        return self.down.weight.T

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.features(x))


def mixed(a_and_b: Tensor, weight: Tensor, activate: Callable[[Tensor], Tensor]) -> Tensor:
    """(..., m * 2 * hidden) of m experts, weight (..., m) -> their weighted hidden layers, (..., m * hidden)."""
    a, b = a_and_b.unflatten(-1, (weight.shape[-1], 2, -1)).unbind(-2)
    return ((1 + activate(a)) * b * weight[..., None]).flatten(-2)
