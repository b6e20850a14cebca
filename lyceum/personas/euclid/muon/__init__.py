"""E7, the compass: the optimizer of the hidden matrices.

Idea. A matrix W stands on the circle on which it was first set down. From the end of the momentum drop the
perpendicular onto the tangent plane at W; make its foot orthogonal, as Muon does; drop the perpendicular again; and
turn along that great circle by exactly the angle that the schedule names. The compass keeps its opening.

Equations, for a matrix W (r, c) of a block, <A, B> = sum A_ij B_ij; embeddings, head and vectors follow AdamW:
    M  <- mu M + (1 - mu) G                      M_0 = 0; what follows does not see its length
    R  <- |W| if R = 0                           the radius, stored: measured once, at the first step
    V  =  W / |W|,   N = M / |M|
    T0 =  N - <N, V> V                           the foot of the first perpendicular
    U  =  Newton-Schulz(T0),   T1 = U - <U, V> V           (`lyceum.personas.model.newton_schulz`), the foot of the second
    T  =  T1 / |T1|,   Y = cos(a) V - sin(a) T             a = rate * the schedule's learning rate, in radians
    W  <- R Y / |Y|
W = 0 and T0 = 0 leave W as it is. In floating arithmetic a foot of |T0| <= 1e-6 is rounding and counts as 0: it says
nothing of a direction, and the turn would be as long as any other. There is no decay, as nothing grows; and as a step
is an angle, one rate suits matrices of every shape and size. A matrix that begins at 0 stays there.

Theorems, with k = min(r, c).
(1) Opening. |W| = R after every step: R times a vector of length 1. Rounding does not add up over the steps, because R
    is stored and not measured again: each leaves |W| / R - 1 at the error of one division by one length.
(2) Angle. V and T are orthogonal and of length 1, so |Y| = 1 and <Y, V> = cos a: the chord is 2 sin(a / 2).
(3) Descent. <T, M> >= 0.56 |M| |T0| / sqrt(k): no step climbs, to first order. N - T0 is parallel to V and T1
    orthogonal to it, so <T1, N> = <T1, T0> = <U, T0> = |T0| sum phi^5(s_i) s_i, s the singular values of T0 / |T0|. By
    (2) of `lyceum.personas.aristotle.muon` phi^5 >= 0.68 from 1.6e-3 up, and sum s_i^2 = 1; so that sum is at least
    0.68 (1 - 2.6e-6 k), while |T1| <= |U| <= 1.21 sqrt(k). (0.56 holds for k <= 1,000.) Hence T1 = 0 only if T0 = 0.
(4) Loss scale. A positive factor on all gradients changes nothing, bit for bit if it is a power of two: M is divided by
    its greatest entry before anything is squared. The recipe's clip is such a factor, see `lyceum.personas.aristotle.muon`.
(5) Rotations. The step of (Q W S, Q M S, Q G S) is Q W' S for orthogonal Q, S: lengths and products are the same, and
    Newton-Schulz commutes with both, since (Q A Q^T)^j = Q A^j Q^T.

Cost: Muon's, and a few passes over W; one number of state a weight, one a matrix. The momentum is plain: its transport
is the perpendicular onto the plane at the new W (Absil 2008).

Sources: Elements I.11, III.18 (perpendiculars, tangent and radius); Bonnabel 2013, Absil, Mahony & Sepulchre 2008
(descent on manifolds); Jordan 2024 (Muon); Loshchilov 2024 (nGPT: weights on a sphere, no decay).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lyceum.personas.euclid.muon.great_circle import direction, unit
from lyceum.personas.properties.rotations import exact_rotation
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Compass:
    """rate: the angle of a step, radians, in units of the schedule's learning rate. momentum: mu."""

    rate: float = 1.0
    momentum: float = 0.95

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """An optimizer has no parameters of its own."""
        return {}

    def fresh(self, w) -> dict:
        """What is kept of a matrix beside itself, before its first update."""
        return {"m": 0 * w, "radius": 0 * w[0, 0]}

    def update(self, w, m, radius, g, lr):
        """One update of one matrix (r, c): (W, M, R) after it. lr: the schedule's."""
        m = self.momentum * m + (1 - self.momentum) * g
        v, size = unit(w)
        radius = size if radius == 0 else radius
        t = direction(v, m)
        if size == 0 or not t.any():
            return w, m, radius
        angle = self.rate * float(lr)
        y, _ = unit(math.cos(angle) * v - math.sin(angle) * t)
        return radius * y, m, radius

    def tangent(self, p: dict[str, np.ndarray], v: np.ndarray, m: np.ndarray) -> np.ndarray:
        """v of length 1, m (n, r, c), n matrices -> T of each, 0 where there is none."""
        return np.stack([direction(*pair) for pair in zip(v, m, strict=True)])

    def __call__(self, p: dict[str, np.ndarray], w, m, radius, g, lr) -> tuple[np.ndarray, ...]:
        """w, m, g (n, r, c), radius (n,), lr () -> (W, M, R) of each."""
        steps = [self.update(*one, lr) for one in zip(w, m, radius, g, strict=True)]
        return tuple(np.stack(x) for x in zip(*steps, strict=True))


def _step(*shape: int):
    """W, M, R, G and the rate; R is not |W|, so that it shows which of the two a step keeps."""

    def draw(g: np.random.Generator) -> tuple[np.ndarray, ...]:
        w, m, push = g.normal(size=(3, *shape))
        return w, m, g.uniform(0.5, 2, shape[0]), push, np.array(0.2)

    return draw


def _pair(*shape: int):
    def draw(g: np.random.Generator) -> tuple[np.ndarray, ...]:
        v, m = g.normal(size=(2, *shape))
        return v / np.linalg.norm(v, axis=(1, 2), keepdims=True), m

    return draw


COMPASS = Compass(rate=2.0, momentum=0.9)
CASES = (
    Case("compass: a step", COMPASS, _step(2, 4, 6)),
    Case("compass: a step, tall", COMPASS, _step(2, 9, 4)),
    Case("compass: a step, the contract's sizes", COMPASS, _step(2, 128, 32)),
    Case("compass: the tangent", COMPASS, _pair(3, 5, 8), "tangent"),
    Case("compass: the tangent, tall", COMPASS, _pair(2, 8, 5), "tangent"),
    Case("compass: the tangent, one row", COMPASS, _pair(2, 1, 6), "tangent"),
)


def _state(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    """W, M, G of any shape, three matrices each, and stored radii 0."""
    r, c = g.integers(2, 9, size=2)
    w, m, push = representable(g.normal(size=(3, 3, r, c)))
    return w, m, np.zeros(3), push


def _products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x * y).sum((1, 2))


def _lengths(x: np.ndarray) -> np.ndarray:
    return _products(x, x) ** 0.5


def _opening(evaluate, g):
    w, m, radius, push = _state(g)
    lengths = [_lengths(w)]
    for lr in g.uniform(0, 1.5, 5):
        w, m, radius = evaluate(COMPASS, {}, "__call__", w, m, radius, push, np.array(lr))
        lengths += [_lengths(w), radius]
    return np.stack(lengths), np.broadcast_to(lengths[0], (11, 3))


def _angle(evaluate, g):
    w, m, radius, push = _state(g)
    lr = representable(g.uniform(0.1, 1.2))
    turned, *_ = evaluate(COMPASS, {}, "__call__", w, m, radius, push, lr)
    return 2 * np.arcsin(_lengths(turned - w) / _lengths(w) / 2), np.full(3, COMPASS.rate * lr)


def _quarter(evaluate, g):
    """(V, N, T): a quarter turn of a circle of radius 1 ends at -T."""
    w, m, _, push = _state(g)
    turned, momentum, _ = evaluate(Compass(np.pi / 2), {}, "__call__", w, m, np.ones(3), push, np.array(1.0))
    return *(x / _lengths(x)[:, None, None] for x in (w, momentum)), -turned


def _tangent(evaluate, g):
    v, _, t = _quarter(evaluate, g)
    return np.stack([1 + _products(v, t), _lengths(t)]), np.ones((2, 3))


def _descent(evaluate, g):
    v, n, t = _quarter(evaluate, g)
    foot, found = n - _products(n, v)[:, None, None] * v, _products(t, n)
    return found, np.maximum(found, 0.56 * _lengths(foot) / min(n.shape[1:]) ** 0.5)


def _power(evaluate, g):
    # 2^-100: squares and products of such numbers underflow in float32.
    (w, m, radius, push), k = _state(g), 2.0 ** g.choice([-100, -40, 3, 60])
    states = (w, k * m, radius, k * push), (w, m, radius, push)
    return tuple(evaluate(COMPASS, {}, "__call__", *state, np.array(0.1))[0] for state in states)


def _rotated(evaluate, g):
    # Few digits each, and no momentum yet, so that the products are exact in float32.
    w, push = g.integers(-(2**10), 2**10, size=(2, 3, 4, 8)).astype(float)
    q, s = exact_rotation(g, 1), exact_rotation(g, 2)
    pairs = (q @ w @ s, q @ push @ s), (w, push)
    ends = [evaluate(COMPASS, {}, "__call__", a, 0 * a, np.zeros(3), b, np.array(0.2))[0] for a, b in pairs]
    return ends[0], q @ ends[1] @ s


def _still(evaluate, g):
    """W = 0; M = 0; M parallel to W, exactly and up to rounding."""
    w, m, push = representable(g.normal(size=(3, 5, 3, 4)))
    w[0], m[1], push[1] = 0, 0, 0
    w[2], m[2], push[2] = 0.25, 3, 3
    m[3:], push[3], push[4] = -(2.0**-90) * w[3:], 2 * w[3], 0
    return evaluate(COMPASS, {}, "__call__", w, m, np.zeros(5), push, np.array(0.1))[0], w


STEEP = 4 * 485**2  # an error grows by up to the slope of phi^5 at 0, see `lyceum.personas.aristotle.muon`
THEOREMS = (
    Theorem("compass: opening", "|W| is the same after five steps of any angle, and is what is stored", _opening, 64),
    Theorem("compass: angle", "2 asin of half the chord is rate * lr", _angle, 256),
    Theorem("compass: tangent", "a quarter turn ends at -T, of length 1 and orthogonal to W", _tangent, 256),
    Theorem("compass: descent", "<T, M> is at least 0.56 / sqrt(k) of |M| |T0|", _descent, 64),
    Theorem("compass: power of two", "as a factor on M and G it changes nothing", _power, 1, exact=True),
    Theorem("compass: rotations", "from left and right they turn the step with the matrix", _rotated, STEEP),
    Theorem("compass: no direction", "W = 0, and M = 0 or parallel to W, leave W", _still, 1, exact=True),
)


SYSTEM = System(
    "muon",
    "E7, the compass",
    job="optimizer of the blocks' matrices: turns along great circles, by the schedule's angle",
    train=lambda recipe: replace(recipe, hidden=Compass(rate=20.0)),
)
