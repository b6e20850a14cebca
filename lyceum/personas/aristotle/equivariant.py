"""A20, the figure: a perceptron that commutes with turning its planes.

Idea. A syllogism holds by its figure, whatever terms stand in it (Prior Analytics I.4). Take the channels in pairs, as
planes. The perceptron's answer turns as its question turns: what it says depends on the figure that the planes make
with each other, and not on how the figure is laid out on the page.

Equations, for x in R^d read as z in C^(d/2), z_j = x_j + i x_(j + d/2), and a hidden layer of h planes:
    [a; b] = W_up z,     y = W_down ((1 + f(|a|^2 - c)) b),     W_up (2h, d/2), W_down (d/2, h) complex, c (h,) real
with the gate f of `lyceum.personas.aristotle.norm`, which reads moduli only: between suppression and doubling. A
complex weight is kept as its real parts above its imaginary ones, so that it is one matrix for decay and quantizer.

Theorems, for R_t, which turns every plane by the angle t: R_t z = exp(i t) z.
 1. f(R_t x) = R_t f(x) for every t. Proof: complex-linear maps commute with exp(i t), and |exp(i t) a| = |a|.
 2. Composition closes: f(g(R_t x)) = R_t f(g(x)), and so does a sum of both, as in the residual stream.
 3. Conversely a real-linear map that commutes with all R_t is complex-linear: half of the general map's parameters. The
    mean over the four quarter turns, (W + J^-1 W J) / 2, is the complex-linear map nearest to W, and is W if W was one.
 4. Half a turn exactly: f(-x) = -f(x) to the last bit.

Why one angle for all planes. Rotary positions turn each plane at a rate of its own; what commutes with all of those
separately is diagonal, and mixes nothing.

Cost. 3 d h parameters and h; as many products as a gated perceptron of 2 h channels, which has twice the parameters.
Sources: Trabelsi et al. 2018 (complex networks); Worrall et al. 2017 (harmonic networks: moduli gate phases); Cohen &
Welling 2016 (equivariance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.aristotle.norm import GatedMesotes, check_power, mesotes
from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.spec.benchmark import against
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.system import System


def planes(x: np.ndarray) -> np.ndarray:
    """x (..., 2n) real -> (..., n) complex."""
    real, imaginary = np.split(x, 2, axis=-1)
    return real + 1j * imaginary


def channels(z: np.ndarray) -> np.ndarray:
    """z (..., n) complex -> (..., 2n) real."""
    return np.concatenate([z.real, z.imag], axis=-1)


@dataclass(frozen=True)
class ComplexLinear:
    """n_in, n_out: planes read and written; twice as many channels."""

    n_in: int
    n_out: int

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"weight": (2 n_out, n_in)}: real parts, then imaginary ones, of deviation 1 / sqrt(2 n_in)."""
        return {"weight": stream.normal(0, (2 * self.n_in) ** -0.5, (2 * self.n_out, self.n_in))}

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., 2 n_in) float64 -> (..., 2 n_out)."""
        real, imaginary = np.split(p["weight"], 2)
        return channels(planes(x) @ (real + 1j * imaginary).T)


@dataclass(frozen=True)
class ComplexPerceptron:
    """n_embd: the width d, even. hidden: the planes h of the hidden layer. power: the gate's exponent.

    Raises PersonaError for an odd width, and for an exponent below 1 or of 2.
    """

    n_embd: int
    hidden: int
    power: float = 1.0

    def __post_init__(self):
        check_power(self.power)
        if self.n_embd % 2:
            raise PersonaError(f"the width is {self.n_embd}: choose an even one, since planes have two channels.")

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"up.weight": (4h, d/2), "down.weight": (d, h), "threshold": (h,), ones}.

        In a normed stream E|a|^2 = 1 then, so that the gates rest in the middle; the projection onto the residual
        stream has a deviation of 0.02 / sqrt(2 n_layer).
        """
        up = ComplexLinear(self.n_embd // 2, 2 * self.hidden).initial(stream, n_layer)["weight"]
        down = stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (self.n_embd, self.hidden))
        return {"up.weight": up * 2**-0.5, "down.weight": down, "threshold": np.ones(self.hidden)}

    def __call__(self, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape."""
        n = self.n_embd // 2
        inner = ComplexLinear(n, 2 * self.hidden)({"weight": p["up.weight"]}, x)
        a, b = np.split(planes(inner), 2, axis=-1)
        gate = 1 + mesotes(np.abs(a) ** 2 - p["threshold"], self.power)
        return ComplexLinear(self.hidden, n)({"weight": p["down.weight"]}, channels(gate * b))


LINEAR, WIDE = ComplexLinear(4, 3), ComplexPerceptron(32, 42)
FIGURE, CUBIC = ComplexPerceptron(8, 6), ComplexPerceptron(8, 6, 3.0)
CASES = (
    Case("complex linear: typical", LINEAR, lambda g: (g.normal(size=(2, 5, 8)),)),
    Case("complex perceptron: typical", FIGURE, lambda g: (g.normal(size=(2, 5, 8)),)),
    Case("complex perceptron: the contract's sizes", WIDE, lambda g: (g.normal(size=(8, 64, 32)),)),
    Case("complex perceptron: one token", FIGURE, lambda g: (g.normal(size=(1, 1, 8)),)),
    Case("complex perceptron: extreme gates", FIGURE, lambda g: (10 * g.normal(size=(4, 8)),), noise=1.0),
    Case("complex perceptron: p = 3", CUBIC, lambda g: (2 * g.normal(size=(4, 8)),), noise=0.5),
    Case("complex perceptron: zero", FIGURE, lambda g: (np.zeros((2, 8)),)),
)


def turned(x: np.ndarray, angle: float) -> np.ndarray:
    """Every plane of x (..., 2n) turned by an angle."""
    return channels(np.exp(1j * angle) * planes(x))


def _equivariant(evaluate, g):
    p, x, angle = Case("", FIGURE, None).parameters(g), g.normal(size=(5, 8)), g.uniform(0, 2 * np.pi)
    return evaluate(FIGURE, p, "__call__", turned(x, angle)), turned(evaluate(FIGURE, p, "__call__", x), angle)


def _composed(evaluate, g):
    # A stream and two layers: y = x + g(x), then y + f(y).
    p, q = (Case("", FIGURE, None).parameters(g) for _ in range(2))
    angle = g.uniform(0, 2 * np.pi)

    def layers(x):
        y = x + evaluate(FIGURE, p, "__call__", x)
        return y + evaluate(FIGURE, q, "__call__", y)

    x = g.normal(size=(5, 8))
    return layers(turned(x, angle)), turned(layers(x), angle)


def _nearest(evaluate, g):
    # The mean of a real map W over the quarter turns is complex-linear, and what it takes away is perpendicular to it.
    w = g.normal(size=(6, 8))
    quarter = {n: np.block([[np.zeros((n, n)), -np.eye(n)], [np.eye(n), np.zeros((n, n))]]) for n in (3, 4)}
    mean = (w + quarter[3].T @ w @ quarter[4]) / 2
    weight, x = representable(np.concatenate([mean[:3, :4], mean[3:, :4]])), g.normal(size=(5, 8))
    other = channels(planes(g.normal(size=(3, 8))) @ np.eye(4))  # rows of any complex-linear map
    maps = np.block([[other[:, :4], -other[:, 4:]], [other[:, 4:], other[:, :4]]])
    perpendicular = np.sum((w - mean) * maps)
    got = evaluate(LINEAR, {"weight": weight}, "__call__", x)
    full = np.block([[weight[:3], -weight[3:]], [weight[3:], weight[:3]]])
    return np.append(got, perpendicular), np.append(x @ full.T, 0.0)


def _half_turn(evaluate, g):
    p, x = Case("", FIGURE, None).parameters(g), representable(g.normal(size=(5, 8)))
    return evaluate(FIGURE, p, "__call__", -x), -evaluate(FIGURE, p, "__call__", x)


THEOREMS = (
    Theorem("complex perceptron: equivariant", "f(R x) = R f(x)", _equivariant, length=4 * 12),
    Theorem("complex perceptron: composed", "layers in a residual stream commute with R too", _composed, length=8 * 12),
    Theorem("complex linear: nearest", "the mean over quarter turns is the nearest complex map", _nearest, length=16),
    Theorem("complex perceptron: half a turn", "f(-x) = -f(x) to the last bit", _half_turn, length=0, exact=True),
)

BENCHMARKS = (
    against("A20 complex perceptron / GELU perceptron", WIDE, MLP(32), budget=1.5),
    against("A20 complex perceptron / gated mesotes", WIDE, GatedMesotes(32, 85)),
)

SYSTEM = System(
    "equivariant",
    "A20, the figure",
    job="perceptrons: half the parameters, complex weights that commute with turning all planes",
    module="mlp",
    build=lambda modules, sizes, tables: {"mlp": ComplexPerceptron(sizes.n_embd, 4 * sizes.n_embd // 3)},
)
