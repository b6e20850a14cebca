"""E22, the angle: a loss that measures how far a forecast points away from what came, and ends as the log loss.

Idea. An angle is the inclination of two lines (Elements I, definition 8). The law p of a forecast is a line from the
origin, and what came is an axis: so let the loss be the angle between them, by the chord that it cuts off the unit
sphere. A law is right if it points in the direction of the truth, however long it is. The head divides twice, for the
quotient q and for the remainder r, so there are two angles.

Equations, for a law p over n outcomes with logits z, and the outcome i with the axis e_i:
    S_i(p) = p_i / |p|                             the spherical score: the cosine of the angle from p to e_i
           = sqrt(softmax(2 z)_i)                  since p / |p| = exp(z) / |exp(z)|
    1 - S_i(p) = | p / |p| - e_i |^2 / 2           half the square on the chord
and for the target w = (q, r), with p(q) and p(r | q) of `lyceum.personas.euclid.tokenize`:
    A_t = (1 - S_q(p(.))) + (1 - S_r(p(. | q)))
    loss_t = (1 - a) * -log p(w) + a * A_t,        a at iteration s of S:  max(0, 1 - s / (until S))
So training begins with the angles, ends with the log loss, and every blend on the way is strictly proper.

Theorems.
 1. (regret) For a true law q the expected score is <q, p> / |p| = |q| cos(q, p): what is lost against p = q is
    |q| (1 - cos(q, p)).
 2. (proper) So it is greatest at p = q alone: Cauchy-Schwarz, with equality if p is a multiple of q, and both sum to 1.
    The two angles together are strictly proper for w: the second counts by the truth's share of its row.
 3. (bounded) 0 <= A <= 2. The gradient of S_i in z is S_i (e_i - softmax(2 z)), of length at most
    sqrt(2) S (1 - S^2) <= 2 sqrt(2) / (3 sqrt(3)) = 0.5443, the greatest value at S^2 = 1/3; in p it is
    (e_i - S_i p / |p|) / |p|, of length at most sqrt(n). The log loss has no bound, nor has its gradient in p, 1 / p_i.
    In the logits its gradient e_i - p is longest, sqrt(2), where a token was thought impossible; there that of the
    angle vanishes: what cannot be learned yet does not pull.
 4. (end) At weight 0 the loss is the log loss, to the last bit; from iteration until * S on the weight is 0.

Why not -log S, which would be as steep as the log loss? It is not proper: E -log S is least at p ~ sqrt(q).

Measured. 300 of the contract's 10,001 iterations, where a is still 0.94, one seed: full_vloss 4.5844, without 4.5353
(+0.0491 +- 0.0015, paired). The angles alone learn more slowly; what the blend is worth takes a full run.

Cost. No parameters; while the weight lasts one more evaluation of the head: 1.35 times an iteration in PyTorch.
Sources: Elements I (def. 8), III.29 (equal angles, equal chords); Good 1971 and Gneiting & Raftery 2007 (spherical
score, proper scores); Masnadi-Shirazi & Vasconcelos 2008 (losses that give up on outliers).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lyceum.personas.euclid.tokenize import LAST, TINY, tiny_line
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System

STEEPEST = 2 * np.sqrt(2) / (3 * np.sqrt(3))  # the greatest slope of S in the logits


@dataclass(frozen=True)
class Angle:
    """until: a share of all iterations, while the angles count. reads: the method of the vocabulary that answers."""

    reads: ClassVar[str] = "proper_scores"
    until: float = 0.5

    def weight(self, step: int, total_steps: int) -> float:
        """a, the weight of the angles at iteration `step` (0-based) of total_steps."""
        return max(0.0, 1 - step / (self.until * total_steps))

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """There are no parameters."""
        return {}

    def ask(
        self, p: dict[str, np.ndarray], x: np.ndarray, ids: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """x (B, T, d), ids, targets (B, T) -> what the head reads and is asked for: x and targets."""
        return x, targets

    def losses(
        self, p: dict[str, np.ndarray], answers: np.ndarray, ids: np.ndarray, targets: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """answers (B, T, 3), log p(w) and two cosines -> what is added to the log loss, (B, T). weight (): a."""
        log_prob, first, second = np.moveaxis(answers, -1, 0)
        return weight * (log_prob + (1 - first) + (1 - second))


SPEC = Angle()


def _asked(g: np.random.Generator, *shape: int, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    return scale * g.normal(size=(*shape, 8)), g.integers(0, 45, shape).astype(np.int32)


def _answered(g: np.random.Generator, batch: int, length: int) -> tuple[np.ndarray, ...]:
    answers = np.stack([-g.exponential(3, (batch, length)), *g.uniform(0, 1, (2, batch, length))], axis=-1)
    return answers, *g.integers(0, 45, (2, batch, length)).astype(np.int32), np.array(0.7)


CASES = (
    Case("objective: angles", TINY, lambda g: _asked(g, 2, 7), "proper_scores"),
    Case("objective: angles, last row", TINY, lambda g: (g.normal(size=(1, 3, 8)), LAST), "proper_scores"),
    Case("objective: angles, near certainty", TINY, lambda g: _asked(g, 2, 5, scale=12.0), "proper_scores"),
    Case("objective: angles added", SPEC, lambda g: _answered(g, 2, 9), "losses"),
    Case("objective: angles added, the contract's sizes", SPEC, lambda g: _answered(g, 8, 64), "losses"),
)


def _drawn(g: np.random.Generator, n: int):
    """A tiny line, its parameters, and n vectors that the head reads."""
    spec = tiny_line(g)
    return spec, Case("", spec, None).parameters(g), representable(g.normal(size=(n, 8)))


def _scores(evaluate, spec, p: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """x (8,) -> log p(w) and both cosines of every id, (45, 3)."""
    ids = np.arange(45, dtype=np.int32)
    return evaluate(spec, p, "proper_scores", np.broadcast_to(x, (45, 8)), ids)


def _grid(spec, law: np.ndarray) -> np.ndarray:
    """A law over ids (45,) -> p(q, r), (rows, columns), 0 where no token is."""
    grid = np.zeros(spec.base_column.shape)
    grid.flat[spec.rank] = law
    return grid


def _expected(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """E S of p(q) and of p(r | q), by theorem 1, for grids of laws."""
    rows, length = forecast.sum(1), np.linalg.norm(forecast, axis=1)
    return np.array([truth.sum(1) @ rows / np.linalg.norm(rows), ((truth * forecast).sum(1) / length).sum()])


def _regret(evaluate, g):
    spec, p, (x,) = _drawn(g, 1)
    scores, truth = _scores(evaluate, spec, p, x), g.dirichlet(np.ones(45))
    return truth @ scores[:, 1:], _expected(_grid(spec, truth), _grid(spec, np.exp(spec.log_probs(p, x))))


def _proper(evaluate, g):
    # The truth is what the head says of one vector; what it says of the same and of another is scored.
    spec, p, (x, other) = _drawn(g, 2)
    truth = np.exp(spec.log_probs(p, x))
    best, worse = (truth @ _scores(evaluate, spec, p, each)[:, 1:] for each in (x, other))
    highest = _expected(_grid(spec, truth), _grid(spec, truth))
    return np.stack([best, np.minimum(worse, highest)]), np.stack([highest, worse])


def _bounded(evaluate, g):
    # Along a straight line the cosine of the row changes by at most STEEPEST times the distance of the logits.
    spec, p, x = _drawn(g, 2)
    one, other = (_scores(evaluate, spec, p, each)[:, 1] for each in x)
    logits = spec.split(p["head"])[0] @ (x[0] - x[1])
    reach, change = STEEPEST * np.linalg.norm(logits), one - other
    return np.stack([np.clip(change, -reach, reach), np.clip(one, 0, 1)]), np.stack([change, one])


def _end(evaluate, g):
    answers, ids, targets, _ = _answered(g, 2, 9)
    return evaluate(SPEC, {}, "losses", representable(answers), ids, targets, np.array(0.0)), np.zeros((2, 9))


THEOREMS = (
    Theorem("objective: regret", "E S = |q| cos(q, p) for the truth q", _regret, length=4 * 45),
    Theorem("objective: the angle is proper", "E S is greatest at p = q, where it is |q|", _proper, length=4 * 45),
    Theorem("objective: bounded", "S changes by at most 0.5443 |z - z'|, and is in [0, 1]", _bounded, length=64),
    Theorem("objective: end of the angle", "at weight 0 the loss is the log loss", _end, length=0, exact=True),
)

SYSTEM = System(
    "objective",
    "E22, the angle",
    job="training loss: the angle between forecast and outcome, annealed to the log loss",
    module="objective",
    needs=("tokenize",),
    build=lambda modules, sizes, tables: {"objective": Angle()},
)
