"""Learned absolute positions: x_t + p_t, one trained vector a position.

Equation.  y[b, t] = x[b, t] + weight[t],  0 <= t < T <= block_size.

Theorem (additivity).  y - x depends on t alone: the same for every batch row and every x.

A position module takes x and the ids, and returns x and the rotation of queries and keys; here the rotation is empty.
The cache of generation is the position of the next token (`lyceum.personas.properties.sequences`), at most block_size.

Cost: block_size * n_embd parameters. Source: Vaswani et al. 2017; Radford et al. 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.properties.sequences import continuation
from lyceum.personas.spec.case import Case, Theorem, representable


@dataclass(frozen=True)
class LearnedPosition:
    """block_size: the longest sequence. n_embd: the width."""

    block_size: int
    n_embd: int

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"weight": (block_size, n_embd)}, normal with deviation 0.02."""
        return {"weight": stream.normal(0, 0.02, (self.block_size, self.n_embd))}

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray]:
        """x (B, T, n_embd) float64, ids (B, T) -> (x with positions,): there is no rotation."""
        return (x + p["weight"][: x.shape[1]],)

    def start(self, batch: int) -> tuple[np.ndarray]:
        """The position of the first token, (B,) int32."""
        return (np.zeros(batch, np.int32),)

    def step(self, p: dict[str, np.ndarray], *arguments: np.ndarray) -> tuple[np.ndarray, ...]:
        """(position (B,), n new tokens x (B, n, n_embd), ids (B, n)) -> the next position, and x with positions."""
        position, x, _ = arguments
        return position + x.shape[1], x + p["weight"][position[:, None] + np.arange(x.shape[1])]


def _stream(batch: int, length: int):
    return lambda g: (g.normal(size=(batch, length, 6)), np.zeros((batch, length), np.int32))


def _step(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    return np.array([5, 0], np.int32), *_stream(2, 3)(g)


CASES = (
    Case("position: full length", LearnedPosition(8, 6), _stream(2, 8)),
    Case("position: shorter sequence", LearnedPosition(8, 6), _stream(2, 3)),
    Case("position: three tokens after five, and after none", LearnedPosition(8, 6), _step, "step"),
)


def _additivity(evaluate, g):
    spec, x = LearnedPosition(8, 4), representable(g.normal(size=(3, 5, 4)))
    p = {"weight": representable(g.normal(size=(8, 4)))}
    (y,) = evaluate(spec, p, "__call__", x, np.zeros((3, 5), np.int32))
    return y - x, np.broadcast_to(p["weight"][:5], x.shape)


THEOREMS = (
    Theorem("position: additivity", "y - x depends on t alone", _additivity, length=4),
    continuation("position", LearnedPosition(8, 6), _stream(2, 8), length=1, exact=True),
)
