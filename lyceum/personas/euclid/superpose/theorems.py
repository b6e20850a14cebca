"""The theorems of E15, equiangular lines (`lyceum.personas.euclid.superpose`), each on figures of several sizes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lyceum.personas.euclid.superpose.diagonals import frame, order, signs, squares
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.rng import stream


class Fixed(Case):
    """A case whose parameters are the same for every seed, so that its inputs can be drawn away from kinks and ties."""

    def parameters(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Random parameters that do not depend on `generator`."""
        return given(self.spec)


def given(spec: Any) -> dict[str, np.ndarray]:
    """The parameters of `Fixed`: initial values plus normal noise of deviation 0.5."""
    return Case("", spec, None, noise=0.5).parameters(stream(0, "given parameters"))


def clear(spec: Any, *shape: int):
    """Generator -> x of this shape; with `given` parameters every feature is 0.01 from its threshold or more."""

    def inputs(g: np.random.Generator) -> tuple[np.ndarray]:
        p, x = given(spec), g.normal(size=shape)
        while (near := np.abs(x @ spec.frame(p).T - p["threshold"]).min(-1) < 0.01).any():
            x[near] = g.normal(size=(near.sum(), shape[-1]))
        return (x,)

    return inputs


def _drawn(layer: Callable, g: np.random.Generator) -> tuple[Any, dict, int]:
    """(a perceptron of one of several widths, its parameters, q)."""
    spec = layer(int(g.choice([3, 7, 8, 16, 32])))
    return spec, Case("", spec, None).parameters(g), order(spec.n_embd)


def _plain(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"gain": np.ones_like(p["gain"]), "threshold": np.zeros_like(p["threshold"])}


def _equal_angles(layer, evaluate, g):
    spec, p, q = _drawn(layer, g)
    (n, m), lines = (q + 1, (q + 1) // 2), evaluate(spec, p, "frame")
    cosines, welch = lines @ lines.T, np.sqrt((n - m) / (m * (n - 1)))
    apart = np.abs(cosines[~np.eye(n, dtype=bool)])
    return np.append(cosines, apart), np.append(np.eye(n) + signs(q) / np.sqrt(q), np.full(apart.shape, welch))


def _tight(layer, evaluate, g):
    spec, p, q = _drawn(layer, g)
    lines = evaluate(spec, p, "frame")
    return lines.T @ lines, 2 * np.diag(np.arange(spec.n_embd) < (q + 1) // 2)


def _code(g: np.random.Generator, q: int) -> np.ndarray:
    """The greatest number of entries that can be told apart, at random: (q + 1,) of 0 and 1."""
    return g.permutation(np.arange(q + 1) < np.ceil((1 + np.sqrt(q)) / 2) - 1)


def _support(layer, evaluate, g):
    spec, p, q = _drawn(layer, g)
    code = np.array([_code(g, q) for _ in range(20)])
    p |= {"threshold": np.full(q + 1, (1 + q**-0.5) / 2)}
    return evaluate(spec, p, "features", code @ frame(q, spec.n_embd)) > 0, code


def _pursuit(layer, evaluate, g):
    spec, p, q = _drawn(layer, g)
    lines, code = frame(q, spec.n_embd), _code(g, q) * g.normal(size=q + 1)
    x, chosen, got = code @ lines, [], np.zeros(q + 1)
    for _ in range(np.count_nonzero(code)):
        above, below = evaluate(spec, _plain(p), "features", np.array([1, -1])[:, None] * (x - got @ lines))
        chosen.append(int(np.argmax(above + below)))
        got[chosen] = np.linalg.lstsq(lines[chosen].T, x, rcond=None)[0]
    return got, code


def _contraries(layer, evaluate, g):
    spec, p, q = _drawn(layer, g)
    x, y = representable(g.normal(size=(5, spec.n_embd))), partial(evaluate, spec, _plain(p), "__call__")
    return y(x) - y(-x), 2 * x * (np.arange(spec.n_embd) < (q + 1) // 2)


def _scaled(layer, evaluate, g):
    spec, p, _ = _drawn(layer, g)
    p |= {"threshold": np.zeros_like(p["threshold"])}
    x, scale = representable(g.normal(size=(5, spec.n_embd))), g.choice([0.25, 2.0, 8.0])
    return evaluate(spec, p, "__call__", scale * x), scale * evaluate(spec, p, "__call__", x)


def _turned(layer, evaluate, g):
    spec, p, q = _drawn(layer, g)
    planes, r = np.diag(np.exp(2j * np.pi * squares(q) / q)), (q - 1) // 4
    turn = np.eye(spec.n_embd)
    turn[1 : 2 * r + 1, 1 : 2 * r + 1] = np.block([[planes.real, -planes.imag], [planes.imag, planes.real]])
    x = representable(g.normal(size=(5, spec.n_embd)))
    shifted = {name: np.append(each[0], np.roll(each[1:], -1)) for name, each in p.items()}
    return evaluate(spec, p, "__call__", x @ turn.T), evaluate(spec, shifted, "__call__", x) @ turn.T


def _monotone(layer, evaluate, g):
    spec, p, _ = _drawn(layer, g)
    p |= {"gain": np.abs(p["gain"])}
    ends = representable(g.normal(size=(2, 20, spec.n_embd)))
    (one, other), apart = (evaluate(spec, p, "__call__", end) for end in ends), ends[0] - ends[1]
    rise, length = ((one - other) * apart).sum(-1), np.linalg.norm(one - other, axis=-1)
    most = 2 * p["gain"].max() * np.linalg.norm(apart, axis=-1)
    return np.append(np.maximum(rise, 0), np.minimum(length, most)), np.append(rise, length)


def theorems(layer: Callable) -> tuple[Theorem, ...]:
    """layer: n_embd -> its reference."""

    def theorem(name: str, statement: str, sides: Callable, length: int = 64, exact: bool = False) -> Theorem:
        return Theorem(f"equiangular: {name}", statement, partial(sides, layer), length, exact)

    return (
        theorem("equal angles", "|<f, f'>| is Welch's bound, with the signs of Paley's matrix", _equal_angles),
        theorem("tight", "F^T F = 2 P", _tight),
        theorem("support", "z is positive where a sparse code is 1, and only there", _support, 0, exact=True),
        theorem("pursuit", "matching pursuit returns every code of k < (1 + 1/mu) / 2 entries", _pursuit),
        theorem("contraries", "b = 0, s = 1: y(x) - y(-x) = 2 P x", _contraries, 128),
        theorem("scaled", "b = 0: y(c x) = c y(x) for c = 2^k to the last bit", _scaled, 0, exact=True),
        theorem("turned", "turning x shifts the features and turns the answer", _turned, 128),
        theorem("monotone", "s >= 0: y rises along every line, by 2 max s at most", _monotone, 128),
    )
