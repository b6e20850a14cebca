"""A rule for matrices as a PyTorch optimizer: parameters of equal shape are stacked, so that a step is few kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

import torch
from torch import Tensor, nn


class Stacked(torch.optim.Optimizer):
    """rule: (W, *state, G, lr) -> (W, *state) on stacks of n; its `fresh` names the state of a parameter, such as M."""

    def __init__(self, parameters: Iterable[nn.Parameter], rule: Callable[..., tuple[Tensor, ...]], lr: float):
        super().__init__(parameters, {"lr": lr})
        self.rule = rule
        for p in self.parameters():
            self.state[p] = rule.fresh(p)

    def parameters(self) -> list[nn.Parameter]:
        """All parameters."""
        return [p for group in self.param_groups for p in group["params"]]

    @torch.no_grad()
    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            given = sorted((p for p in group["params"] if p.grad is not None), key=lambda p: p.shape)
            for _, alike in groupby(given, key=lambda p: p.shape):
                self._update(list(alike), group["lr"])

    def _update(self, alike: list[nn.Parameter], lr: float) -> None:
        state = (alike, *zip(*(self.state[p].values() for p in alike), strict=True))
        stacks = (torch.stack(x) for x in (*state, [p.grad for p in alike]))
        for old, new in zip(state, self.rule(*stacks, lr), strict=True):
            for x, y in zip(old, new, strict=True):
                x.copy_(y)
