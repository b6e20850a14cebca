"""A14, the form persists: rows that were moved by force return to their running average, within a spectral ball.

Idea. What moves by nature has the principle of its motion in itself; what moves by force is moved from outside
(Physics VIII.4). The optimizer is a weight's own principle, and there is a farthest distance that it can go in one
step. So a row that is found farther off was moved by something else: a memory error, a broken kernel, an overflow. Its
matter is lost, but its form persists in the average of what it has been.

Equations, for a row w of c entries, its running average a, and iterations with learning rates h:
    found at every second iteration:  w is hurt unless |w - a| <= e + reach                            so nan is hurt
    e = |w - a| as the last examination left it,    reach = sum of h (R sqrt(c) + decay |w|) over the iterations since
    R = (1 - b1) / sqrt((1 - b2) (1 - b1^2 / b2))                   1.17 for Adam's betas (0.9, 0.95)
    hurt rows:  w <- a, their moments <- 0;  the matrix W with them, if it is one:  W <- P(W), at the radius |A|_(2p)
    every eighth iteration:  a <- a + (w - a) / 2
    P(W) = the nearest matrix with no singular value above the radius
A loss that is not a number makes no update: then all rows are examined at once and the iteration is done again, so that
nan never spreads and the module that is named is the one at cause. Hurt rows are said to be no numbers, exploded or
dead (four times longer or shorter than the average), flipped (cosine below -1/2), or moved.

Theorems.
 1. (reach) AdamW moves an entry by at most h (R + decay |w|) in a step, so no row of an unhurt run is ever restored,
    and the run is what it would be without, to the last bit. Proof: m^ and v^ are averages of g and g^2 with weights
    x_i, y_i; by Cauchy |m^| <= sqrt(sum x_i^2 / y_i) sqrt(v^). With q = b1^2 / b2 that sum is R^2 (1 - b2^t)(1 - q^t) /
    (1 - b1^t)^2, and (1 - x)(1 - y) <= (1 - sqrt(x y))^2. If moments were set to 0 s steps before, q^s is in the
    place of q^t: no more. A7 and E7 have reaches of their own (`reach` of their records).
 2. (blindness) Spectra cannot do this: with D a diagonal of signs, D W has the singular values of W.
 3. (nearest) For W = U diag(s) V^T, P(W) = U diag(min(s, radius)) V^T is the nearest point of the ball in the Frobenius
    norm, since |W - X|_F >= |s(W) - s(X)| (von Neumann). The ball is convex, hence P is idempotent and non-expansive.
 4. (signs) P(W) = (W - S W + Q + S Q) / 2, radius 1, where S = sign(W W^T - 1) and Q is orthogonal with Q = U V^T where
    s > 1: S is -1 where s < 1, which leaves s, and +1 where s > 1, which leaves 1. Both signs are the limits of
    Y <- Y (3 - Y^T Y) / 2. Where S has not converged s is near 1, and the error is at most |s - 1| (1 - |S|) / 2; where
    Q has not, s is small and S = -1. After n steps at most about 1.4^-n |W W^T - 1|_F is wrong.
 5. (radius) |A|_(2p) = (sum s_i^(2p))^(1/2p), p = 2^power, is at least the greatest singular value of A and at most
    r^(1/2p) of it, 3% more for r = 32. So A is in the ball, P(A) = A, and by 3 |P(W) - A| <= |W - A|: what is
    projected comes no farther from the form.

What is restored: parameters with a gradient; of the optimizer the moments of hurt rows, which forget (by 1 a row with
moments 0 takes ordinary steps). Router biases are not watched. What moved within the reach stays: the optimizer undoes
in as many steps what it could have done itself.
Activations are not watched. They depend on the batch, so no bound on them is sharp: after 140 iterations the mean
squares of the layers' channels lie up to 10 deviations from those of the 40 batches before, and of 16 faults (rows
flipped or zeroed, matrices times 100) 9 show above that, no single row among them; by 1 all 16 show. And a watch over
them costs 6% of an iteration (2% to 19%).
Cost. One copy of the parameters; one pass over both at every second iteration: 7% to 12% of an iteration on a CPU.
Sources: Higham 2008 (matrix signs, polar factors); Bhatia 1997 (projections, Schatten norms); Kingma & Ba 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.repair.rows import Repair
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Form(Repair):
    """power: the radius is the Schatten norm with exponent 2^(power + 1). steps: of both signs."""

    power: int = 6
    steps: int = 48

    def radius(self, p: dict[str, np.ndarray], a: np.ndarray) -> np.ndarray:
        """a (n, r, c) -> its Schatten norm, (n,): an upper bound of the greatest singular value."""
        return np.array([_radius(one, self.power) for one in a])

    def clip(self, p: dict[str, np.ndarray], w: np.ndarray) -> np.ndarray:
        """w (n, r, c) -> the nearest matrices with no singular value above 1."""
        return np.stack([_clip(one, self.steps) for one in w])

    def project(self, p: dict[str, np.ndarray], w: np.ndarray, a: np.ndarray) -> np.ndarray:
        """w, a (n, r, c) -> w within the ball about 0 that has a's radius."""
        radius = self.radius(p, a)[:, None, None]
        return radius * self.clip(p, w / np.where(radius == 0, 1, radius))


def _radius(a: np.ndarray, power: int) -> float:
    gram = a @ a.T if len(a) <= a.shape[1] else a.T @ a
    total = trace = np.trace(gram)
    for k in range(1, power + 1):
        gram = gram / (trace or 1)
        gram = gram @ gram
        trace = np.trace(gram)
        total = total * trace**0.5**k
    return total**0.5


def _clip(w: np.ndarray, steps: int) -> np.ndarray:
    if len(w) > w.shape[1]:
        return _clip(w.T, steps).T
    s, q = _sign(w @ w.T - np.eye(len(w)), steps), _sign(w, steps)
    return (w - s @ w + q + s @ q) / 2


def _sign(y: np.ndarray, steps: int) -> np.ndarray:
    """U sign(s) V^T of a matrix U diag(s) V^T (r, c), r <= c; of a symmetric one its sign."""
    y = y / ((y * y).sum() ** 0.5 or 1)
    for _ in range(steps):
        y = 1.5 * y - 0.5 * (y @ y.T) @ y
    return y


FORM, LONG = Form(), Form(steps=110)


def _matrices(g: np.random.Generator, n: int, r: int, c: int, scale: float = 1.0) -> np.ndarray:
    """Matrices with singular values on both sides of `scale`, none within 1% of it."""
    u, v = (np.linalg.qr(g.normal(size=(n, k, k)))[0] for k in (r, c))
    k = min(r, c)
    values = scale * np.where(np.arange(k) % 2, g.uniform(1.01, 3, (n, k)), g.uniform(0, 0.99, (n, k)))
    return representable((u[:, :, :k] * values[:, None]) @ v[:, :, :k].swapaxes(1, 2))


def _pair(*shape: int):
    """W and A, of the same size; the radius of A is about the greatest singular value of W."""
    return lambda g: (_matrices(g, *shape), 0.4 * _matrices(g, *shape))


def _hurt(*shape: int):
    return lambda g: (*_pair(*shape)(g), g.integers(0, 2, size=shape[:2]).astype(np.int32))


CASES = (
    Case("repair: distance", FORM, _pair(2, 5, 4), "distance"),
    Case("repair: length", FORM, lambda g: (g.normal(size=(2, 5, 4)),), "length"),
    Case("repair: follow", FORM, _pair(2, 5, 4), "follow"),
    Case("repair: radius", FORM, lambda g: (_matrices(g, 2, 4, 6),), "radius"),
    Case("repair: radius, tall", FORM, lambda g: (_matrices(g, 2, 6, 4),), "radius"),
    Case("repair: clip", FORM, lambda g: (_matrices(g, 2, 4, 6),), "clip"),
    Case("repair: clip, tall", FORM, lambda g: (_matrices(g, 2, 6, 4),), "clip"),
    Case("repair: clip, one row", FORM, lambda g: (1 + g.uniform(size=(1, 1, 4)),), "clip"),
    Case("repair: restore", FORM, _hurt(3, 4, 6), "restore"),
    Case("repair: restore, the contract's sizes", Form(steps=12), _hurt(1, 128, 32), "restore"),
)
ROUNDED = 4096  # a chain through 2 x 110 products of matrices


def _by_svd(w: np.ndarray, radius: float = 1.0) -> np.ndarray:
    u, s, v = np.linalg.svd(w, full_matrices=False)
    return (u * np.minimum(s, radius)[:, None]) @ v


def _nearest(evaluate, g):
    w = _matrices(g, 3, 5, 7)
    return evaluate(LONG, {}, "clip", w), _by_svd(w)


def _idempotent(evaluate, g):
    once = evaluate(LONG, {}, "clip", _matrices(g, 3, 6, 4))
    return evaluate(LONG, {}, "clip", once), once


def _non_expansive(evaluate, g):
    w = _matrices(g, 3, 5, 7)
    other = representable(w + g.normal(0, 0.1, w.shape))
    gap = evaluate(LONG, {}, "clip", w) - evaluate(LONG, {}, "clip", other)
    short, long = ((x**2).sum((1, 2)) ** 0.5 for x in (gap, w - other))
    return short, np.minimum(short, long)


def _in_the_ball(evaluate, g):
    a = _matrices(g, 3, 5, 7)
    return evaluate(LONG, {}, "project", a, a), a


def _schatten(evaluate, g):
    a = _matrices(g, 3, 7, 5)
    s, p = np.linalg.svd(a, compute_uv=False), 2.0**FORM.power
    got, norm = (
        evaluate(FORM, {}, "radius", a),
        s.max(-1) * ((s / s.max(-1, keepdims=True)) ** (2 * p)).sum(-1) ** (0.5 / p),
    )
    return np.stack([got, np.clip(got, s.max(-1), s.max(-1) * 5 ** (0.5 / p))]), np.stack([norm, got])


def _blind(evaluate, g):
    a = _matrices(g, 3, 5, 7)
    flipped = a * g.choice([-1, 1], size=(3, 5, 1))
    return evaluate(FORM, {}, "radius", flipped), evaluate(FORM, {}, "radius", a)


THEOREMS = (
    Theorem("repair: nearest", "P clips the singular values, as an SVD has it", _nearest, ROUNDED),
    Theorem("repair: idempotent", "P(P(W)) = P(W)", _idempotent, ROUNDED),
    Theorem("repair: non-expansive", "|P(W) - P(X)| <= |W - X|", _non_expansive, ROUNDED),
    Theorem("repair: the average stays", "P(A) = A at the radius of A", _in_the_ball, ROUNDED),
    Theorem("repair: Schatten norm", "a Schatten norm, between s and r^(1/2p) s", _schatten, ROUNDED),
    Theorem("repair: blindness", "flipped rows change no singular value", _blind, ROUNDED),
)

SYSTEM = System(
    "repair",
    "A14, the form persists",
    job="rows that no optimizer can have moved so far return to their running average; shown by lyceum drill",
    module="repair",
    build=lambda modules, sizes, tables: {"repair": Form()},
)
