"""A13, prudence: every group of parameters finds its own learning rate while it learns.

Idea. Prudence deliberates about what can be otherwise, in each case anew (Nicomachean Ethics VI.5), and needs
experience, which takes time (VI.8). No science says beforehand how far to step, but the way that was made shows whether
steps were too short or too long: too short, if the next gradient still points along it; too long, if it points back.

Equations, for the measured entries p of a group (`lyceum.personas.model.optimizer`) and their gradient g:
    d = p - o,   then o <- o + (1 - habit) d        the latest steps D, older ones faded: d = sum_s habit^s D_(t-s)
    c = <g, d> / (|g| |d|),   0 where nothing has moved or there is no gradient
    h <- clip(h (1 - pace * share * c), 1 / widest, widest),     h = 1 at first;   the group's rate = h * the schedule's
share is the schedule's rate as a share of its peak: deliberation warms up and ends with the steps themselves. The clip
of the gradient is one factor on all of it, so c does not see it. Decay is a part of a step: at ten times the right rate
weights decay ten times too fast, and h mends both. A rule for hidden matrices (A7) takes h like AdamW.

Theorems.
 1. (hypergradient) Where steps are proportional to their rate, the loss L of the batch of g has dL / d log h = <g, d>
    for the last step alone (habit = 0: Baydin) and, at the second update, for every habit: p = o + h (d / h). So it is
    under AdamW and A7, decay included. For older steps d leaves out how they would have changed the later gradients.
 2. (finite difference) On a quadratic L, L(o + (1 + e) d) - L(o + (1 - e) d) = 2 e <g, d> for every e, not only a
    little one: the terms in e^2 are equal.
 3. (scale) A positive factor on g, or on d, leaves c as it was; so a factor on the loss leaves a whole run as it was
    where the step's own rule does not see it (A7, and AdamW up to its eps).
 4. (bounds) |c| <= 1 (Cauchy, Schwarz), so h changes by at most the share `pace` at a step: no further clip is needed.

Why a habit. Where gradients are noisy, p trembles about its way. A tremble of covariance S adds about trace(H S) to
E <g, d>, H the Hessian, whatever the habit, but the way in d grows with 1 / (1 - habit). The last step alone asks for
rates that suit the tremble: a short horizon asks for too little (Wu 2018). At a tenth, one and ten times the tuned rate
c of the blocks' matrices was 0.03, -0.00 and -0.02 on average with habit = 0, 0.1 its deviation from step to step; with
habit = 0.99 it was 0.05, -0.00 and -0.04, the deviation 0.02 (iterations 225 to 600, the rates fixed).

Cost. Of the measured entries, at most about 2^16 of a parameter, one copy kept, and three inner products a step.
Effect. 2,000 iterations, seed 1337, full_vloss beside 4.4291 of the tuned rate. Started at a tenth: 4.4471, where the
rate alone ends at 4.5333. Started at ten times: 4.4374, where the rate alone ends at 4.4260, so that nothing is there
to be mended; both starts end at 0.6 times the tuned rate for the tables. Started at the tuned rate: 4.4362, a loss of
0.007. With habit = 0 and pace = 0.5 a tenth ended at 4.4590.
Choices. Of Baydin's two forms the multiplicative one, which has no unit. d is taken from the parameters, not from the
moments, so it serves any rule. Gains and biases alone would like rates a thousand times higher: `widest` keeps them.

Sources: Almeida 1998; Baydin 2018 (hypergradient descent); Donini 2020 (MARTHE: faded hypergradients); Wu 2018.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Prudence:
    """habit: what a step counts beside the next one, from 0 to 1. pace: the greatest share by which a step changes h.

    widest: h and 1 / h stay below it.
    """

    habit: float = 0.99
    pace: float = 0.25
    widest: float = 16.0
    absolute = False

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """A rule for rates has no parameters of its own."""
        return {}

    def fresh(self, square, count) -> dict:
        """The state of a group before its first update; its first entry is h. square, count: see `rated`."""
        return {"rate": 0 * square + 1}

    def follow(self, rate, gd, dd, gg, share) -> tuple:
        """The state for the update that is due. gd, dd, gg: <g, d>, <d, d>, <g, g>; share: of the peak rate."""
        size = dd**0.5 * gg**0.5
        cosine = gd / size if size > 0 else 0 * gd
        rate = rate * (1 - self.pace * share * cosine)
        return (max(min(rate, 0 * rate + self.widest), 0 * rate + 1 / self.widest),)

    def __call__(self, p: dict[str, np.ndarray], rate, gd, dd, gg, share) -> tuple[np.ndarray]:
        """All (): the rate after `follow`."""
        return tuple(np.asarray(x) for x in self.follow(rate, gd, dd, gg, share))


SPEC, SLOW = Prudence(), Prudence(habit=0.5, pace=0.125, widest=2.0)


def _group(g: np.random.Generator, rate: float = 1.0, share: float = 0.7, cosine: float | None = None):
    """h, <g, d>, <d, d>, <g, g> and the share of a group."""
    d, gradient = g.normal(size=(2, 40))
    if cosine is not None:
        gradient = gradient - (gradient @ d) / (d @ d) * d
        gradient = gradient / np.linalg.norm(gradient) + cosine / (1 - cosine**2) ** 0.5 * d / np.linalg.norm(d)
    return tuple(np.array(x) for x in (rate, gradient @ d, d @ d, gradient @ gradient, share))


CASES = (
    Case("meta: a step", SPEC, _group),
    Case("meta: too short", SPEC, lambda g: _group(g, rate=3.0, cosine=-0.9)),
    Case("meta: too long", SPEC, lambda g: _group(g, rate=0.3, cosine=0.9)),
    Case("meta: another pace", SLOW, lambda g: _group(g, rate=1.2, cosine=0.5)),
    Case("meta: at the widest", SLOW, lambda g: _group(g, rate=1.99, share=1.0, cosine=-0.8)),
    Case("meta: at the narrowest", SLOW, lambda g: _group(g, rate=0.51, share=1.0, cosine=0.8)),
)


def _products(g: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, ...]:
    return np.array(g @ d), np.array(d @ d), np.array(g @ g)


def _answer(evaluate, spec: Prudence, g: np.ndarray, d: np.ndarray) -> np.ndarray:
    """c, from the change of h = 1 at the full rate."""
    (rate,) = evaluate(spec, {}, "__call__", np.array(1.0), *map(representable, _products(g, d)), np.array(1.0))
    return (1 - rate) / spec.pace


def _finite_difference(evaluate, g):
    # L(p) = |A p - b|^2 / 2, moved from o by (1 + e) d; integers, so that no precision rounds the products.
    a, b, o, d = (g.integers(-3, 4, size=shape).astype(float) for shape in ((5, 4), 5, 4, 4))
    d[0], e = 1, 2.0 ** -g.integers(0, 5)
    gradient = a.T @ (a @ (o + d) - b)
    losses = [((a @ (o + (1 + s) * d) - b) ** 2).sum() / 2 for s in (e, -e)]
    slope = (losses[0] - losses[1]) / (2 * e)
    length = np.linalg.norm(gradient) * np.linalg.norm(d)
    return np.array([_answer(evaluate, SPEC, gradient, d) * length, length]), np.array([slope, length])


def _scale(evaluate, g):
    d, gradient = representable(g.normal(size=(2, 20)))
    factor, other = 2.0 ** g.integers(-20, 20, size=2)
    return _answer(evaluate, SPEC, factor * gradient, other * d), _answer(evaluate, SPEC, gradient, d)


def _still(evaluate, g):
    nothing, gradient = np.zeros(20), representable(g.normal(size=20))
    answers = [_answer(evaluate, SPEC, *pair) for pair in ((gradient, nothing), (nothing, gradient))]
    return np.stack(answers), np.zeros(2)


def _bounds(evaluate, g):
    rates = []
    for sign in (1, -1):
        d = g.normal(size=20)
        rate, products = np.array(1.0), [representable(x) for x in _products(sign * d, d)]
        for _ in range(16):
            (rate,) = evaluate(SPEC, {}, "__call__", rate, *products, np.array(1.0))
            rates.append(rate)
    steps = np.arange(1, 17)
    fallen = np.maximum((1 - SPEC.pace) ** steps, 1 / SPEC.widest)
    return np.array(rates), np.concatenate([fallen, np.minimum((1 + SPEC.pace) ** steps, SPEC.widest)])


THEOREMS = (
    Theorem("meta: finite difference", "<g, d> is the slope of the loss in log h", _finite_difference, length=64),
    Theorem("meta: scale", "a factor on the loss, or on the step, changes nothing", _scale, length=0, exact=True),
    Theorem("meta: nothing moved", "without a step or a gradient h stays", _still, length=0, exact=True),
    Theorem("meta: bounds", "a step changes h by the share `pace` at most, and h stays within `widest`", _bounds, 64),
)

SYSTEM = System(
    "meta",
    "A13, prudence",
    job="learning rate of each group of parameters: by the hypergradient of its last step, as a factor on the schedule",
    excludes={"repair": "a weight may move farther at a raised rate than repair takes for natural"},
    train=lambda recipe: replace(recipe, rates=Prudence()),
)
