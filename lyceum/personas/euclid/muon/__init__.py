"""E7, the compass: the optimizer of the hidden matrices.

Idea. A matrix W stands on the circle on which it was first set down. From the end of the momentum drop the
perpendicular onto the tangent plane at W; make its foot orthogonal, as Muon does; drop the perpendicular again; and
turn along that great circle by exactly the angle that the schedule names. The compass keeps its opening.

Equations, for a matrix W (r, c) of a block, <A, B> = sum A_ij B_ij; embeddings, head and vectors follow AdamW:
    M  <- mu M + (1 - mu) G                      M_0 = 0; its length has no effect below
    R  <- |W| if R = 0                           the radius, stored: measured once, at the first step
    V  =  W / |W|,   N = M / |M|
    T0 =  N - <N, V> V                           the foot of the first perpendicular
    U  =  Newton-Schulz(T0)                      `lyceum.personas.model.newton_schulz`
    T1 =  U - <U, V> V                           the foot of the second
    T  =  T1 / |T1|,   Y = cos(a) V - sin(a) T             a = rate * the schedule's learning rate, in radians
    W  <- R Y / |Y|
W = 0 and |T0| <= near leave W unchanged: a foot of that size is rounding and has no direction, yet the turn would be as
long as any other. There is no weight decay, since no length grows. A step is an angle, so one rate suits matrices of
every shape and size. A matrix that begins at 0 stays 0.

Theorems (`lyceum.personas.euclid.muon.theorems`), with k = min(r, c).
(1) Opening. |W| = R after every step: R times a vector of length 1. Rounding does not accumulate over the steps,
    because R is stored and not measured again: |W| / R - 1 is the error of one division by one length.
(2) Angle. V and T are orthogonal and of length 1, so |Y| = 1 and <Y, V> = cos a: the chord is 2 sin(a / 2).
(3) Descent. <T, M> >= 0.56 |M| |T0| / sqrt(k): no step climbs, to first order. N - T0 is parallel to V and T1
    orthogonal to it, so <T1, N> = <T1, T0> = <U, T0> = |T0| sum phi^5(s_i) s_i, s the singular values of T0 / |T0|. By
    (2) of `lyceum.personas.aristotle.muon` phi^5 >= 0.68 from 1.6e-3 up, and sum s_i^2 = 1; so that sum is at least
    0.68 (1 - 2.6e-6 k), while |T1| <= |U| <= 1.21 sqrt(k). (0.56 holds for k <= 1,000.) Hence T1 = 0 only if T0 = 0.
(4) Loss scale. A positive factor on all gradients changes nothing, bit for bit if it is a power of two: M is divided by
    its greatest entry before anything is squared. The recipe's clip is such a factor
    (`lyceum.personas.aristotle.muon`).
(5) Rotations. The step of (Q W S, Q M S, Q G S) is Q W' S for orthogonal Q, S: lengths and products are the same, and
    Newton-Schulz commutes with both, since (Q A Q^T)^j = Q A^j Q^T.

Cost: Muon's, and a few passes over W; one number of state a weight, one a matrix. The momentum is not rotated: its
transport is the perpendicular onto the plane at the new W (Absil 2008).

Sources: Elements I.11, III.18 (perpendiculars, tangent and radius); Bonnabel 2013, Absil, Mahony & Sepulchre 2008
(descent on manifolds); Jordan 2024 (Muon); Loshchilov 2024 (nGPT: weights on a sphere, no decay).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lyceum.personas.euclid.muon.great_circle import direction, unit
from lyceum.personas.euclid.muon.theorems import theorems
from lyceum.personas.model.newton_schulz import QUINTIC, STEPS
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Compass:
    """rate: the angle of a step, radians, in units of the schedule's learning rate. momentum: mu. near: see above.

    quintic, steps: those of Newton-Schulz.
    """

    rate: float = 1.0
    momentum: float = 0.95
    near: float = 1e-6
    quintic: tuple[float, float, float] = QUINTIC
    steps: int = STEPS

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """An optimizer has no parameters."""
        return {}

    def fresh(self, w) -> dict:
        """The state of a matrix (r, c) before its first update."""
        return {"m": 0 * w, "radius": 0 * w[0, 0]}

    def update(self, w, m, radius, g, lr):
        """One update of one matrix (r, c): (W, M, R) after it. lr: the schedule's."""
        m = self.momentum * m + (1 - self.momentum) * g
        v, size = unit(w)
        radius = size if radius == 0 else radius
        t = self.direction(v, m)
        if size == 0 or not t.any():
            return w, m, radius
        angle = self.rate * float(lr)
        y, _ = unit(math.cos(angle) * v - math.sin(angle) * t)
        return radius * y, m, radius

    def reach(self, shape: tuple[int, int], lengths: np.ndarray) -> np.ndarray:
        """How far a step at rate 1 moves rows of such lengths at most, (r,): by (2) no farther than the arc."""
        return np.full(shape[0], self.rate * (lengths**2).sum() ** 0.5)

    def direction(self, v, m):
        """T of one matrix, see `great_circle`."""
        return direction(v, m, self.near, self.quintic, self.steps)

    def tangent(self, p: dict[str, np.ndarray], v: np.ndarray, m: np.ndarray) -> np.ndarray:
        """v of length 1, m (n, r, c), n matrices -> T of each, 0 where there is none."""
        return np.stack([self.direction(*pair) for pair in zip(v, m, strict=True)])

    def __call__(self, p: dict[str, np.ndarray], w, m, radius, g, lr) -> tuple[np.ndarray, ...]:
        """w, m, g (n, r, c), radius (n,), lr () -> (W, M, R) of each."""
        steps = [self.update(*one, lr) for one in zip(w, m, radius, g, strict=True)]
        return tuple(np.stack(x) for x in zip(*steps, strict=True))


def _step(*shape: int):
    """W, M, R, G and the rate; R is not |W|, so that a step that measures |W| again is wrong."""

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
THEOREMS = theorems(COMPASS)


SYSTEM = System(
    "muon",
    "E7, the compass",
    job="optimizer of the blocks' matrices: turns along great circles, by the schedule's angle",
    train=lambda recipe: replace(recipe, hidden=Compass(rate=20.0)),
)
