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

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.up(x).chunk(2, dim=-1)
        return self.down((1 + self.activate(a)) * b)


def mixed(a_and_b: Tensor, weight: Tensor, activate: Callable[[Tensor], Tensor]) -> Tensor:
    """(..., m * 2 * hidden) of m experts, weight (..., m) -> their weighted hidden layers, (..., m * hidden)."""
    a, b = a_and_b.unflatten(-1, (weight.shape[-1], 2, -1)).unbind(-2)
    return ((1 + activate(a)) * b * weight[..., None]).flatten(-2)
