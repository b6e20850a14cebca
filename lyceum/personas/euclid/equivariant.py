"""E20, motions of space: a perceptron whose answer moves as its question does, mirrored or turned.

Idea. Euclid lays one figure upon another (I.4): what is true of it is true wherever it lies. Take the stream as a
figure of d / n arrows in a space of n dimensions. The perceptron mixes arrows, and its gates read of two arrows only
what no motion changes: whether the angle between them is acute or obtuse, and how much the square on the third side
falls short of the squares on the two, or exceeds them (II.12 and 13; half of that is their inner product).

Equations, for x in R^d read as X (n, d / n), an arrow a column: channel i d / n + j is coordinate i of arrow j. With a
hidden layer of h pairs of arrows a_k, b_k and the chord f of `lyceum.personas.euclid.norm`:
    [A, B] = X W_up^T,     Y = ((1 + f(<a_k, b_k>)) b_k)_k W_down^T,     W_up (2h, d / n), W_down (d / n, h)
At a right angle b passes as it is; an acute one doubles it at most, an obtuse one suppresses it. A threshold as in
`lyceum.personas.aristotle.equivariant` is not needed: right angles, the middle, are where random arrows are.

Theorems, for R in O(n), turns and mirrors, which moves all arrows of x at once: R x is R X.
 1. f(R x) = R f(x). Proof: R (X W^T) = (R X) W^T, and <R a, R b> = <a, b>.
 2. Composition closes, the sphere of E9 included, |R x| = |x|: so a whole branch x + f(N(x)) commutes with R.
 3. Conversely, a linear map M of the stream that commutes with all R mixes arrows, W (x) 1: 1 / n^2 of the parameters.
    The mean of R^-1 M R over all R is W (x) 1 with W_jk = tr(M_jk) / n, of the n x n block of arrows j and k (Schur),
    and is the nearest such map to M.
 4. Mirrors in the axes to the last bit: they change signs alone. So f(-x) = -f(x).
 5. Arrows that lie in a plane (or in a space of any dimension) have an answer in that plane: the mirror in it fixes
    them. Coordinates that are 0 in all arrows stay 0 exactly.

Why n = 4. The more dimensions, the fewer parameters; 3 does not divide the widths. n = 2 differs from A20, whose planes
turn and are not mirrored, so that its weights are complex: there the gates may read an angle's sign.

Cost. 3 (d / n) h parameters, an n-th of those of a gated perceptron of h channels, and as many products as that, 3 d h;
n times its gates' operands: 1.3 times the gated chord's time in PyTorch and 0.6 in MLX, 1.6 and 0.4 times the GELU
perceptron's (medians, one CPU core, CPU time).

What it is worth. 300 iterations, one seed, in place of the gated chord: full_vloss -0.0062 +- 0.0009.
Sources: Deng et al. 2021 (vector neurons); Villar et al. 2021 (inner products suffice); Cohen & Welling 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.euclid.norm import ChordPerceptron, SphereNorm, chord
from lyceum.personas.spec.benchmark import against
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.system import System

Parameters = dict[str, np.ndarray]


@dataclass(frozen=True)
class VectorLinear:
    """n_in, n_out: arrows read and written. n: their dimensions."""

    n_in: int
    n_out: int
    n: int = 4

    def initial(self, stream: np.random.Generator, n_layer: int) -> Parameters:
        """{"weight": (n_out, n_in)}, of deviation 1 / sqrt(n n_in)."""
        return {"weight": stream.normal(0, (self.n * self.n_in) ** -0.5, (self.n_out, self.n_in))}

    def __call__(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., n n_in) float64 -> (..., n n_out)."""
        parts = np.split(x, self.n, axis=-1)
        return np.concatenate([part @ p["weight"].T for part in parts], axis=-1)


@dataclass(frozen=True)
class VectorPerceptron:
    """n_embd: the width d. hidden: the pairs h of arrows. n: the dimensions of an arrow.

    Raises PersonaError if n does not divide the width.
    """

    n_embd: int
    hidden: int
    n: int = 4

    def __post_init__(self):
        if self.n_embd % self.n:
            raise PersonaError(f"the width is {self.n_embd}: choose a multiple of {self.n}, an arrow's dimensions.")

    def initial(self, stream: np.random.Generator, n_layer: int) -> Parameters:
        """{"up.weight": (2h, d/n), "down.weight": (d/n, h)}.

        In a stream on the sphere E|a|^2 = 1 then; the projection onto the stream has a deviation of
        0.02 / sqrt(2 n_layer).
        """
        up = VectorLinear(self.n_embd // self.n, 2 * self.hidden, self.n).initial(stream, n_layer)["weight"]
        down = stream.normal(0, 0.02 / np.sqrt(2 * n_layer), (self.n_embd // self.n, self.hidden))
        return {"up.weight": up, "down.weight": down}

    def __call__(self, p: Parameters, x: np.ndarray) -> np.ndarray:
        """x (..., d) float64 -> the same shape."""
        width = self.n_embd // self.n
        pairs = VectorLinear(width, 2 * self.hidden, self.n)({"weight": p["up.weight"]}, x)
        a, b = np.split(np.stack(np.split(pairs, self.n, axis=-1)), 2, axis=-1)  # (n, ..., h) each
        gated = (1 + chord((a * b).sum(0))) * b
        return VectorLinear(self.hidden, width, self.n)({"weight": p["down.weight"]}, np.concatenate([*gated], -1))


LINEAR, WIDE = VectorLinear(2, 3), VectorPerceptron(32, 42)
FIGURE, SOLID = VectorPerceptron(8, 6), VectorPerceptron(12, 5, 3)
CASES = (
    Case("vector linear: typical", LINEAR, lambda g: (g.normal(size=(2, 5, 8)),)),
    Case("vector perceptron: typical", FIGURE, lambda g: (g.normal(size=(2, 5, 8)),), noise=0.5),
    Case("vector perceptron: three dimensions", SOLID, lambda g: (g.normal(size=(2, 5, 12)),), noise=0.5),
    Case("vector perceptron: the contract's sizes", WIDE, lambda g: (g.normal(size=(8, 64, 32)),)),
    Case("vector perceptron: one token", FIGURE, lambda g: (g.normal(size=(1, 1, 8)),)),
    Case("vector perceptron: extreme gates", FIGURE, lambda g: (10 * g.normal(size=(4, 8)),), noise=1.0),
    Case("vector perceptron: zero", FIGURE, lambda g: (np.zeros((2, 8)),)),
)


def moved(x: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """All arrows of x (..., n c) moved by R (n, n)."""
    arrows = x.reshape(*x.shape[:-1], len(motion), -1)
    return (motion @ arrows).reshape(x.shape)


def _motion(g: np.random.Generator, n: int) -> np.ndarray:
    """A motion of O(n): a turn or a mirrored one."""
    return np.linalg.qr(g.normal(size=(n, n)))[0] * g.choice([-1, 1], size=n)


def _drawn(g: np.random.Generator, spec) -> tuple[Parameters, np.ndarray]:
    return Case("", spec, None, noise=0.5).parameters(g), representable(g.normal(size=(5, spec.n_embd)))


def _equivariant(evaluate, g):
    spec = FIGURE if g.random() < 0.5 else SOLID
    (p, x), motion = _drawn(g, spec), _motion(g, spec.n)
    return evaluate(spec, p, "__call__", moved(x, motion)), moved(evaluate(spec, p, "__call__", x), motion)


def _composed(evaluate, g):
    (p, x), (q, _), motion = _drawn(g, FIGURE), _drawn(g, FIGURE), _motion(g, 4)
    sphere, r = SphereNorm(8), {"radius": np.array(3.0)}

    def branches(x):
        for weights in (p, q):
            x = x + evaluate(FIGURE, weights, "__call__", evaluate(sphere, r, "__call__", x))
        return x

    return branches(moved(x, motion)), moved(branches(x), motion)


def _nearest(evaluate, g):
    # M (3 arrows of 2): its mean over the signed permutations of the axes, which leave no other map than O(n) does.
    m = g.normal(size=(4, 3, 4, 2))
    mean = np.einsum("ijik->jk", m) / 4
    rest, weight = m - np.einsum("jk,il->ijlk", mean, np.eye(4)), representable(mean)
    other, x = g.normal(size=(3, 2)), representable(g.normal(size=(5, 8)))
    perpendicular = np.einsum("ijik,jk->", rest, other)
    full = np.einsum("jk,il->ijlk", weight, np.eye(4)).reshape(12, 8)
    return np.append(evaluate(LINEAR, {"weight": weight}, "__call__", x), perpendicular), np.append(x @ full.T, 0.0)


def _mirrored(evaluate, g):
    (p, x), signs = _drawn(g, FIGURE), np.diag(g.choice([-1.0, 1.0], size=4))
    return evaluate(FIGURE, p, "__call__", moved(x, signs)), moved(evaluate(FIGURE, p, "__call__", x), signs)


def _flat(evaluate, g):
    (p, x), axes = _drawn(g, FIGURE), np.diag(g.permutation([0.0, 0.0, 1.0, 1.0]))
    y = evaluate(FIGURE, p, "__call__", moved(x, axes))
    return y, moved(y, axes)


THEOREMS = (
    Theorem("vector perceptron: equivariant", "f(R x) = R f(x) for every R of O(n)", _equivariant, length=8 * 12),
    Theorem("vector perceptron: composed", "branches with E9's sphere commute with R too", _composed, length=16 * 12),
    Theorem("vector linear: nearest", "the mean over motions is tr / n, the nearest such map", _nearest, length=32),
    Theorem("vector perceptron: mirrored", "mirrors in the axes, to the last bit", _mirrored, length=0, exact=True),
    Theorem("vector perceptron: flat", "coordinates that all lack stay 0", _flat, length=0, exact=True),
)

BENCHMARKS = (
    against("E20 vector perceptron / GELU perceptron", WIDE, MLP(32)),
    against("E20 vector perceptron / gated chord", WIDE, ChordPerceptron(32, 85), budget=1.5),
)

SYSTEM = System(
    "equivariant",
    "E20, motions of space",
    job="MLP: mixes arrows of four dimensions and commutes with all turns and mirrors; an eighth of the parameters",
    module="mlp",
    build=lambda modules, sizes, tables: {"mlp": VectorPerceptron(sizes.n_embd, 4 * sizes.n_embd // 3)},
)
