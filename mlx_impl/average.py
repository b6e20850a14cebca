"""Running averages of a model's parameters on their device: the hands of `lyceum.personas.repair.watch`."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import numpy as np

from mlx_impl.common.repair import Repair


class Average:
    """rule: the persona's repair. parameters: () -> them by name. moments: name -> the optimizer's state of it.

    put: (name, its new value). Distances and lengths are float32, one of each row, (rows,), by name; they come from the
    device in one piece.
    """

    def __init__(
        self,
        rule: Repair,
        parameters: Callable[[], dict[str, mx.array]],
        moments: Callable[[str], dict[str, mx.array]],
        put: Callable[[str, mx.array], None],
    ):
        self.rule, self.parameters, self.moments, self.put = rule, parameters, moments, put
        self.values = parameters()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter."""
        return {name: p.shape for name, p in self.parameters().items()}

    def distances(self) -> dict[str, np.ndarray]:
        """How far every row is from its average."""
        return self._by_name([self.rule.distance(p, self.values[name]) for name, p in self.parameters().items()])

    def lengths(self) -> dict[str, np.ndarray]:
        """How long every average is."""
        return self._by_name([self.rule.length(a) for a in self.values.values()])

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
        rows = mx.array(hurt).reshape(p.shape[:-1])[..., None]
        p = self.rule.restore(p[None], a[None], rows[None, :, 0])[0] if p.ndim == 2 else mx.where(rows, a, p)
        self.put(name, p)
        moments = self.moments(name)
        for key, moment in moments.items():
            if moment.shape == p.shape:
                moments[key] = mx.where(rows, 0, moment)
        return np.array(self.rule.distance(p, a).reshape(-1).astype(mx.float32))

    def pair(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(a parameter, its average), (rows, c) each."""
        both = (self.parameters()[name], self.values[name])
        return tuple(np.array(x.reshape(-1, x.shape[-1])) for x in both)

    def read(self) -> dict[str, np.ndarray]:
        """Copies of the averages."""
        return {name: np.array(a) for name, a in self.values.items()}

    def write(self, values: dict[str, np.ndarray]) -> None:
        """Put averages back."""
        self.values = {name: mx.array(values[name], a.dtype) for name, a in self.values.items()}
