"""E13, distance: the learning rate of a group is the radius of the circle that its way has needed.

Idea. To describe a circle a centre and a distance are given (Postulate 3). The centre is where training began, the
distance the farthest point that was reached. Nobody gives a rate: the steps so far measure how far there is to go, the
gradients so far how sure each step is, and a step is the one by the other.

Equations, for the measured entries w of a group (`lyceum.personas.model.optimizer`), n of them, their gradient g, and
the schedule's rate as a share c of its peak:
    r <- max(r, |w - w_0|),      r = first |w_0| at first                       (first, if w_0 = 0)
    G <- G + c^2 |g|^2
    V <- memory V + (1 - memory) |g|^2                                          |g|^2 at first
    the group's rate = c r sqrt(V / (n G));     0 while G = 0
This is DoG's step c r / sqrt(G) on the gradient (Ivgi 2023), in the unit of AdamW: that divides every entry by its root
mean square, about sqrt(V / n), so such a rate moves w about as far as the step c r |g| / sqrt(G) does. memory is Adam's
b2. Only the form of the schedule is left, its peak has no effect: a run started at a tenth or ten times the tuned rate
is the same run. Decay is a part of a step and follows the rate. A rule for hidden matrices (E7) takes it like AdamW.

Theorems, for the steps w - rate g / sqrt(V / n).
 1. (package) At c = 1 they are those of the authors' package, if its first distance is r.
 2. (loss) A factor on the loss leaves every rate as it was: V / G has no unit. So it leaves a whole run, where the
    step's own rule does not see it (E7, and AdamW up to its eps).
 3. (weights) A factor on all weights is one on the rates: r is a length, and r_0 is one too. (DoG begins at a share of
    1 + |w_0|, which is none.)
 4. (one step) No step is longer than r, as G >= c^2 |g|^2, so the circle at most doubles; and the first step is r_0,
    however low a warm-up begins. r is a warm-up itself.
 5. (bound) For convex f with a minimum at x, and s = max |w_k - x|, after T steps
        sum_k c_k r_k (f(w_k) - f(x)) <= r_T (2 s + r_T) sqrt(G_T),
    and so for the average of w_k with weights c_k r_k, by Jensen. While r is within a constant of |w_0 - x|, this is
    the bound |w_0 - x| |g| / sqrt(T) of the best constant step, up to factors, and nobody has told it the distance.
    Proof. From |w_(k+1) - x|^2, with d_k = |w_k - x| and steps c_k r_k / sqrt(G_k):
        c_k r_k <g_k, w_k - x> = sqrt(G_k) (d_k^2 - d_(k+1)^2) / 2 + (c_k r_k |g_k|)^2 / (2 sqrt(G_k)).
    Summed by parts, the first is at most sqrt(G_T) (s^2 - d_T^2) / 2; and s - d_T <= 2 r_T, s + d_T <= 2 s. The second
    is at most r_T^2 sqrt(G_T), as (c_k |g_k|)^2 / sqrt(G_k) <= 2 (sqrt(G_k) - sqrt(G_(k-1))). Convexity does the rest.

Cost. Of the measured entries, at most about 2^16 of a parameter, one copy that never changes, and sums of squares: 1%
to 2% of an iteration on a CPU.
Effect. 300 iterations of the contract, seed 1337: full_vloss 0.0115 +- 0.0027 above that of the tuned peak, whatever
the peak. Rates end at 0.0021 (matrices), 0.0024 (tables) and 0.15 (vectors) for the tuned 0.001: the vectors' mirrors,
whose lengths have no effect, go far. If steps of the warm-up count in full (c = 1 in G), r grows too late: 0.152 +-
0.002 above, and 0.067 +- 0.001 with first = 0.1.
Sources: Ivgi, Hinder & Carmon 2023 (DoG); Defazio & Mishchenko 2023 (D-adaptation); Mishchenko & Defazio 2024 (Prodigy:
distances for Adam).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Distance:
    """first: the first distance, as a share of the length of w_0. memory: what a step counts in V beside the next one.

    The origin never moves (habit = 1), and the rate is no factor on the schedule's but one of its own (absolute).
    """

    first: float = 0.01
    memory: float = 0.95
    habit = 1.0
    absolute = True

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """A rule for rates has no parameters of its own."""
        return {}

    def fresh(self, square, count) -> dict:
        """The state of a group before its first update: the rate, r, G, V and n. square: |w_0|^2. count: n."""
        zero = 0 * square
        first = self.first * square**0.5 if square > 0 else zero + self.first
        return {"rate": zero, "distance": first, "total": zero, "mean": zero, "count": zero + count}

    def begin(self, p: dict[str, np.ndarray], w: np.ndarray) -> tuple[np.ndarray, ...]:
        """w_0 (n,) -> the state as `fresh` has it, all ()."""
        return tuple(np.asarray(x) for x in self.fresh((w * w).sum(), w.size).values())

    def follow(self, rate, distance, total, mean, count, gd, dd, gg, share) -> tuple:
        """The state for the update that is due. dd, gg: |w - w_0|^2, |g|^2. rate, gd: not read."""
        distance = max(distance, dd**0.5)
        mean = mean + (1 - self.memory) * (gg - mean) if total > 0 else gg
        total = total + share * share * gg
        rate = distance * (mean / (total * count)) ** 0.5 if total > 0 else 0 * distance
        return rate, distance, total, mean, count

    def __call__(self, p: dict[str, np.ndarray], *arguments: np.ndarray) -> tuple[np.ndarray, ...]:
        """All (): the state after `follow`."""
        return tuple(np.asarray(x) for x in self.follow(*arguments))


SPEC, LONG = Distance(), Distance(first=0.5, memory=0.99)


def _group(g: np.random.Generator, way: float = 1.0, steps: float = 7.0) -> tuple[np.ndarray, ...]:
    """A group of 40 entries after some steps: its state and <g, d>, <d, d>, <g, g>, the share. way: |d| / r."""
    d, gradient = g.normal(size=(2, 40))
    gg = gradient @ gradient
    state = 0.3, np.sqrt(d @ d) / way, steps * gg * g.uniform(0.5, 2), gg * g.uniform(0.5, 2), 40.0
    return tuple(np.array(x) for x in (*state, gradient @ d, d @ d, gg, 0.7))


CASES = (
    Case("distance: farther than ever", SPEC, lambda g: _group(g, way=1.5)),
    Case("distance: on the way back", SPEC, lambda g: _group(g, way=0.4)),
    Case("distance: after many steps", LONG, lambda g: _group(g, way=1.2, steps=1e4)),
    Case("distance: the second step", LONG, lambda g: _group(g, way=0.9, steps=1.0)),
    Case("distance: where it begins", LONG, lambda g: (g.normal(size=50),), "begin", batched=False),
)


def _way(evaluate, spec: Distance, gradient, w: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, ...]:
    """DoG's steps from w: the points, one more than shares, and of each step the rate, r, G and V."""
    way, states = [w], []
    state = evaluate(spec, {}, "begin", w)
    for share in shares:
        g, d = gradient(way[-1]), way[-1] - w
        products = (np.array(x) for x in (g @ d, d @ d, g @ g))
        state = evaluate(spec, {}, "__call__", *state, *products, np.array(share))
        rate, _, _, mean, count = state
        way.append(way[-1] - share * rate * g / np.sqrt(mean / count))
        states.append(np.array(state[:4]))
    return np.array(way), *np.array(states).T


def _slope(g: np.random.Generator):
    """A convex function that no step size suits everywhere, its gradient, its minimum, a point away from it, shares."""
    a, x = representable(g.normal(size=(12, 6))), representable(g.normal(size=6))
    start = representable(x + 3 * g.normal(size=6))
    return (
        lambda w: np.abs(a @ (w - x)).sum(),
        lambda w: a.T @ np.sign(a @ (w - x)),
        x,
        start,
        2.0 ** g.integers(-4, 1, 24),
    )


def _bound(evaluate, g):
    f, gradient, x, start, shares = _slope(g)
    way, _, r, total, _ = _way(evaluate, LONG, gradient, start, shares)
    s, last = (np.linalg.norm(way - centre, axis=1).max() for centre in (x, start))
    last = max(last, r[-1])
    regret = sum(weight * f(w) for weight, w in zip(shares * r, way, strict=False))
    return np.array(regret), np.minimum(regret, last * (2 * s + last) * np.sqrt(total[-1]))


def _one_step(evaluate, g):
    _, gradient, _, start, shares = _slope(g)
    way, _, r, *_ = _way(evaluate, LONG, gradient, start, shares[:12])
    steps = np.linalg.norm(np.diff(way, axis=0), axis=1)
    # At the first step G = (share |g|)^2, and the step is r.
    return np.append(steps, steps[0]), np.append(np.minimum(steps, r), r[0])


def _factor(evaluate, g, on_loss: bool, on_weights: bool):
    _, gradient, _, start, shares = _slope(g)
    a, b = (2.0 ** g.integers(-20, 20) if on else 1.0 for on in (on_loss, on_weights))
    _, rates, r, *_ = _way(evaluate, SPEC, lambda w: a * gradient(w / b), b * start, shares[:8])
    _, others, radii, *_ = _way(evaluate, SPEC, gradient, start, shares[:8])
    return np.stack([rates, r]), b * np.stack([others, radii])


def _loss(evaluate, g):
    return _factor(evaluate, g, True, False)


def _weights(evaluate, g):
    return _factor(evaluate, g, False, True)


def _still(evaluate, g):
    """Without a gradient the rate is 0, before the first one and when none comes any more; r and G stay."""
    w = representable(g.normal(size=9))
    begun, none = evaluate(SPEC, {}, "begin", w), [np.array(0.0)] * 3
    after = evaluate(SPEC, {}, "__call__", *begun, *none, np.array(1.0))
    return np.stack(after), np.stack(begun)


THEOREMS = (
    Theorem("distance: bound", "sum r_k (f(w_k) - f(x)) <= r (2 s + r) sqrt(G) for convex f", _bound, length=256),
    Theorem("distance: one step", "no step is longer than r, and the first is r", _one_step, length=256),
    Theorem("distance: loss", "a factor on the loss changes no rate and no distance", _loss, length=0, exact=True),
    Theorem("distance: weights", "a factor on the weights is one on rates and distances", _weights, 0, exact=True),
    Theorem("distance: no gradient", "before the first gradient nothing changes", _still, length=0, exact=True),
)

SYSTEM = System(
    "meta",
    "E13, distance",
    job="learning rate of each group of parameters: the distance travelled over the gradients, whatever the peak",
    excludes={"repair": "a weight may move farther at a raised rate than repair takes for natural"},
    train=lambda recipe: replace(recipe, rates=Distance(memory=recipe.betas[1])),
)
