"""The gated perceptron with any gate: what the personas' perceptrons share.

Equations, for x in R^d and a gate f, odd and elementwise:
    [a; b] = W_up x,     y = W_down ((1 + f(a)) * b)
The factor 1 + f(a) lies between 0 and 2, and is 1 at a = 0. With f(a) alone y would be even, y(-x) = y(x): a layer
that cannot tell a vector from its negative, and whose gradient in W_a and W_b vanishes with the weights.

Theorems, each stated once for every gate. `evaluate` and `g` are those of `lyceum.personas.spec.case.Theorem`.
 1. f is odd.                                                                                        `odd`
 2. f is increasing, 1-Lipschitz, and |f| <= 1.                                                      `increasing`
 3. y(x) - y(-x) = 2 W_down W_b x: the part with f is even, the rest is linear.                     `contraries`

Cost. 3 d hidden parameters; hidden = 8 d / 3 matches the 8 d^2 of a perceptron four times as wide as the stream.
Sources: Dauphin 2017, Shazeer 2020 (gated units).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.spec.case import Case, representable


@dataclass(frozen=True)
class GatedPerceptron:
    """n_embd: the width d. hidden: the width of the hidden layer. A subclass has `activate`."""

    n_embd: int
    hidden: int

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"up.weight": (2 hidden, d), the gates' rows first; "down.weight": (d, hidden)}; deviation 0.02, the
        latter's divided by sqrt(2 n_layer).
        """
        return {
            "up.weight": stream.normal(0, 0.02, (2 * self.hidden, self.n_embd)),
            "down.weight": stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (self.n_embd, self.hidden)),
        }

    def features(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) -> the hidden layer, (..., hidden)."""
        a, b = np.split(x @ p["up.weight"].T, 2, axis=-1)
        return (1 + self.activate(p, a)) * b

    def rows(self, p: dict[str, np.ndarray]) -> np.ndarray:
        """What each entry of the hidden layer adds to the stream, (hidden, d)."""
        return p["down.weight"].T

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape."""
        return self.features(p, x) @ self.rows(p)


def mixture(expert: GatedPerceptron, p: dict[str, np.ndarray], x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Experts side by side in p; x (..., d), weight (..., n) -> their weighted sum, (..., d)."""
    n = weight.shape[-1]
    ups, downs = np.split(p["up.weight"], n), np.split(p["down.weight"], n, axis=1)
    outputs = [expert({"up.weight": up, "down.weight": down}, x) for up, down in zip(ups, downs, strict=True)]
    return np.einsum("...n,n...d->...d", weight, outputs)


def extremes(g: np.random.Generator) -> tuple[np.ndarray]:
    """Arguments of a gate, (3, 8), from 0 to 1e30."""
    # The moderate entries set the scale with which the vanishing slopes of the others are compared.
    sizes = np.array([0, 1e-30, 0.5, 1, 1.5, 30, 1e4, 1e30])
    return (g.choice([-1, 1], size=(3, 8)) * g.permuted(np.tile(sizes, (3, 1)), axis=1),)


def odd(evaluate, g: np.random.Generator, spec: GatedPerceptron) -> tuple[np.ndarray, np.ndarray]:
    """f(-u) = -f(u) and f(0) = 0."""
    p = Case("", spec, None).parameters(g)
    u = representable(np.append(g.normal(size=40) * 10 ** g.uniform(-6, 6, 40), 0.0))
    return np.append(evaluate(spec, p, "activate", -u), 0.0), np.append(-evaluate(spec, p, "activate", u), u[-1])


def increasing(evaluate, g: np.random.Generator, spec: GatedPerceptron) -> tuple[np.ndarray, np.ndarray]:
    """f(v) - f(u) lies between 0 and v - u, and f between -1 and 1: clipping to these changes nothing."""
    p = Case("", spec, None).parameters(g)
    u = representable(np.sort(np.concatenate([g.uniform(-3, 3, 40), 10 ** g.uniform(0, 9, 20)])))
    y = evaluate(spec, p, "activate", u)
    rise = np.diff(y)
    return np.append(np.clip(rise, 0, np.diff(u)), np.clip(y, -1, 1)), np.append(rise, y)


def contraries(evaluate, g: np.random.Generator, spec: GatedPerceptron) -> tuple[np.ndarray, np.ndarray]:
    """y(x) - y(-x) = 2 W_down W_b x."""
    p = Case("", spec, None).parameters(g)
    x = representable(g.normal(size=(5, spec.n_embd)))
    linear = 2 * x @ p["up.weight"][spec.hidden :].T @ p["down.weight"].T
    return evaluate(spec, p, "__call__", x) - evaluate(spec, p, "__call__", -x), linear
