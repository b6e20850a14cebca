"""Running averages of a model's parameters on their device: the hands of `lyceum.personas.repair.watch`."""

from __future__ import annotations

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten, tree_map, tree_unflatten

from lyceum.personas.repair.watch import Watch
from mlx_impl.common.repair import Repair
from mlx_impl.optimizers import moments
from mlx_impl.registry import build


def watch_of(plan, model: nn.Module, optimizer: optim.MultiOptimizer) -> Watch | None:
    """The watch over a model's parameters, if the plan has a repair."""
    repair = plan.modules.get("repair")
    return None if repair is None else Watch(plan, Average(build(repair), model, optimizer))


def in_rows(x: mx.array) -> mx.array:
    """A parameter as rows along its last axis: a number is a row of one entry."""
    return x if x.ndim else x.reshape(1)


def snapshot(model: nn.Module, optimizer: optim.MultiOptimizer) -> tuple[dict, list[dict]]:
    """The parameters and each optimizer's state: trees that refer to the arrays as they are now."""
    return model.parameters(), [tree_map(lambda x: x, each.state) for each in optimizer.optimizers]


def put_back(model: nn.Module, optimizer: optim.MultiOptimizer, parameters: dict, states: list[dict]) -> None:
    """Return to a snapshot."""
    model.update(parameters)
    for each, state in zip(optimizer.optimizers, states, strict=True):
        each.state.update(state)


class Average:
    """rule: the persona's repair. model, optimizer: whose parameters and moments they are.

    Distances and lengths are float32, one of each row, (rows,), by name; they come from the device in one piece.
    """

    def __init__(self, rule: Repair, model: nn.Module, optimizer: optim.MultiOptimizer):
        self.rule, self.model, self.optimizer = rule, model, optimizer
        self.values = self.parameters()

    def parameters(self) -> dict[str, mx.array]:
        """The parameters that are trained, by name."""
        return dict(tree_flatten(self.model.trainable_parameters()))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter."""
        return {name: p.shape for name, p in self.parameters().items()}

    def distances(self) -> dict[str, np.ndarray]:
        """How far every row is from its average."""
        return self._by_name([self._distance(name, p) for name, p in self.parameters().items()])

    def lengths(self) -> dict[str, np.ndarray]:
        """How long every average is."""
        return self._by_name([self.rule.length(in_rows(a)) for a in self.values.values()])

    def _distance(self, name: str, p: mx.array) -> mx.array:
        return self.rule.distance(in_rows(p), in_rows(self.values[name]))

    def _by_name(self, rows: list[mx.array]) -> dict[str, np.ndarray]:
        counts = np.cumsum([x.size for x in rows])[:-1]
        joined = np.array(mx.concatenate([x.reshape(-1) for x in rows]).astype(mx.float32))
        return dict(zip(self.values, np.split(joined, counts), strict=True))

    def follow(self) -> None:
        """Every average follows its parameter."""
        self.values = {name: self.rule.follow(self.values[name], p) for name, p in self.parameters().items()}
        mx.eval(self.values)

    def restore(self, name: str, hurt: np.ndarray) -> np.ndarray:
        """Hurt rows (rows,) of a parameter return to the average and their moments to 0; the rows' distances after."""
        p, a = self.parameters()[name], self.values[name]
        rows = mx.array(hurt).reshape((*p.shape[:-1], 1) if p.ndim else ())
        p = self.rule.restore(p[None], a[None], rows[None, :, 0])[0] if p.ndim == 2 else mx.where(rows, a, p)
        self.model.update(tree_unflatten([(name, p)]))
        state = self._state_of(name)
        for key, moment in state.items():
            if moment.shape == p.shape:
                state[key] = mx.where(rows, 0, moment)
        return np.array(self._distance(name, p).reshape(-1).astype(mx.float32))

    def _state_of(self, name: str) -> dict[str, mx.array]:
        """What the optimizer has of a parameter, as it lies in the optimizer."""
        node = next(each.state for each in self.optimizer.optimizers if f"{name}.m" in dict(moments(each)))
        for part in name.split("."):
            node = node[int(part)] if isinstance(node, list) else node[part]
        return node

    def pair(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(a parameter, its average), (rows, c) each."""
        both = (in_rows(self.parameters()[name]), in_rows(self.values[name]))
        return tuple(np.array(x.reshape(-1, x.shape[-1])) for x in both)

    def read(self) -> dict[str, np.ndarray]:
        """Copies of the averages."""
        return {name: np.array(a) for name, a in self.values.items()}

    def write(self, values: dict[str, np.ndarray]) -> None:
        """Put averages back."""
        self.values = {name: mx.array(values[name], a.dtype) for name, a in self.values.items()}
