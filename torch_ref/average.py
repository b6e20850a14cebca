"""Running averages of a model's parameters on their device: the hands of `lyceum.personas.repair.watch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lyceum.personas.repair.watch import Watch
from torch_ref.common.repair import Repair
from torch_ref.registry import build

Parameters = dict[str, nn.Parameter]
Moments = Callable[[str], tuple[torch.optim.Optimizer, Any]]  # name -> (the optimizer of that parameter, ...)


def watch_of(plan, parameters: Parameters, moments: Moments) -> Watch | None:
    """The watch over a model's parameters, if the plan has a repair."""
    repair = plan.modules.get("repair")
    return None if repair is None else Watch(plan, Average(build(repair), parameters, moments))


def in_rows(x: Tensor) -> Tensor:
    """A parameter as rows along its last axis: a number is a row of one entry."""
    return x if x.ndim else x.reshape(1)


class Average:
    """rule: the persona's repair. parameters: by name. moments: as above.

    Distances and lengths are float32, one of each row, (rows,), by name; they come from the device in one piece.
    """

    def __init__(self, rule: Repair, parameters: Parameters, moments: Moments):
        self.rule, self.parameters, self.moments = rule, parameters, moments
        self.values = {name: p.detach().clone() for name, p in parameters.items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter."""
        return {name: tuple(p.shape) for name, p in self.parameters.items()}

    @torch.no_grad()
    def distances(self) -> dict[str, np.ndarray]:
        """How far every row is from its average."""
        return self._by_name([self._distance(name) for name in self.parameters])

    def lengths(self) -> dict[str, np.ndarray]:
        """How long every average is."""
        return self._by_name([self.rule.length(in_rows(a)) for a in self.values.values()])

    def _distance(self, name: str) -> Tensor:
        return self.rule.distance(in_rows(self.parameters[name]), in_rows(self.values[name]))

    def _by_name(self, rows: list[Tensor]) -> dict[str, np.ndarray]:
        counts = np.cumsum([x.numel() for x in rows])[:-1]
        joined = torch.cat([x.reshape(-1) for x in rows]).to("cpu", torch.float32).numpy()
        return dict(zip(self.parameters, np.split(joined, counts), strict=True))

    @torch.no_grad()
    def follow(self) -> None:
        """Every average follows its parameter."""
        for name, p in self.parameters.items():
            self.values[name] = self.rule.follow(self.values[name], p.detach())

    @torch.no_grad()
    def restore(self, name: str, hurt: np.ndarray) -> np.ndarray:
        """Hurt rows (rows,) of a parameter return to the average and their moments to 0; the rows' distances after."""
        p, a = self.parameters[name], self.values[name]
        rows = torch.from_numpy(hurt).to(p.device).reshape((*p.shape[:-1], 1) if p.ndim else ())
        p.copy_(self.rule.restore(p[None], a[None], rows[None, :, 0])[0] if p.ndim == 2 else torch.where(rows, a, p))
        optimizer, _ = self.moments(name)
        for moment in optimizer.state.get(p, {}).values():
            if moment.shape == p.shape:
                moment.masked_fill_(rows, 0)
        return self._distance(name).reshape(-1).to("cpu", torch.float32).numpy()

    def pair(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(a parameter, its average), (rows, c) each."""
        both = (in_rows(self.parameters[name].detach()), in_rows(self.values[name]))
        return tuple(x.reshape(-1, x.shape[-1]).cpu().numpy() for x in both)

    def read(self) -> dict[str, np.ndarray]:
        """Copies of the averages."""
        return {name: a.cpu().numpy().copy() for name, a in self.values.items()}

    def write(self, values: dict[str, np.ndarray]) -> None:
        """Put averages back."""
        self.values = {name: torch.from_numpy(values[name]).to(p, copy=True) for name, p in self.parameters.items()}
