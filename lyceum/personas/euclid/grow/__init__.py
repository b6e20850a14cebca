"""E11, the gnomon: training begins at half the width, and a border round every matrix makes it whole.

Idea. A gnomon is what is put round a figure so that the greater is similar to the less (Elements II, definition 2). So
train a model of half the coordinates and half the heads first, which is cheaper, and then put an L round each of its
matrices, so chosen that the greater model computes what the less did, and that all of it can learn at once.

Equations. A layer writes coordinates: of the stream, of the values of a head, of a hidden layer. With F drawn as if
the layer had been wide from the start:
    W = [ W_old  F ]      rows that write a new coordinate are 0; columns that read one are free
        [ 0      0 ]
so, for x the stream,
    embedding      [E_old, 0]: the stream is [x, 0];          head  [H_old, F]
    norm           the radius is held, for |[x, 0]| = |x|
    perceptron     W_b and W_down as W; the gates' rows W_a, which write no coordinate, are free: [[W_a, F], [F, F]]
    attention      values and output as W; the new heads' queries and keys are free
    rigid motion   inputs and output as W; the new heads' paces and turns are as if they had been there at first
    positions      the new heads' mirrors, angles and gains are as if they had been there at first
The head is 0 at first, so its F is what was drawn for the embedding, where it is not used. Moments of new entries are
0, and the count of steps goes on.

Theorems.
 1. (unchanged) Every layer maps [x, 0] to [y, 0], with y what the narrow layer makes of x. So the loss is the same to
    rounding. Proof: F meets zeros of the stream; a new head has values, and a new hidden unit an output, of 0, which
    the free columns of the next matrix meet; and rows of 0 write 0. Score scales and rotary planes are those of a
    head's width, which does not change. By induction over the layers the stream is [x, 0].
 2. (gradient) The gradient of a row that is 0 is sum_t g_t x_t^T, with g the loss's gradient in the coordinate that it
    writes. That coordinate is read by free columns, so g is not 0 for almost every F: all rows of 0 move at once. So
    do the columns of the embedding. Were the readers 0 too, neither would ever move.
 3. (gnomon) Without its border every matrix, and every moment, is what it was, bit for bit
    (`lyceum.personas.euclid.grow.border`).
 4. (first steps) With moments of 0 and no correction, Adam moves a new entry by at most (1 - b1) / sqrt(1 - b2) = 0.45
    times the rate in its first step: |m| = (1 - b1) |g|, v = (1 - b2) g^2.

Better than what was planned. Heads are not made wider, but more. A wider head would begin with new coordinates of 0 in
queries and in keys, since E5 normalises them; the gradient of either is the other, so both would stay 0. And the mean
of squares and 1 / sqrt(w) would have to be undone by gains. A new head leaves every length and every scale alone.

Cost. A border is one copy of the parameters, once. The narrow model has 87,349 parameters of 197,985. Its iteration
took 0.53 of the wide one's processor time in MLX, 0.85 in PyTorch (medians of 7 in turns, one thread, other work on the
machine): half a run at half the width takes 0.77 and 0.93 of the time.
Effect. A schedule of 400 iterations, half of them warm-up, seed 1337, PyTorch, no memory: 5.8747 beside 5.6853 of the
default, for 0.89 of its processor time. So short a run is no verdict on 10,001 iterations, which have not been tried.
Sources: Elements II; Chen, Goodfellow & Shlens 2016 (Net2Net: wider nets of one function); Evci et al. 2022 (GradMax:
zeros on one side only); Gesmundo & Maile 2023 (expansions of every dimension of a transformer).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lyceum.personas.baseline.attention import Attention
from lyceum.personas.euclid.grow.border import Border, borders, halved
from lyceum.personas.euclid.norm import ChordPerceptron, SphereNorm
from lyceum.personas.euclid.rope import Mirrors
from lyceum.personas.euclid.ssm import RigidMotion
from lyceum.personas.euclid.tokenize import TINY
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.recipe import Recipe
from lyceum.personas.spec.system import System

LAYERS = ("vocabulary", "position", "norm", "mixer", "mlp")
APART = ("memory", "evidence")  # they read what the head says, whatever its width


@dataclass(frozen=True)
class Gnomon:
    """at: when the border is put round, as a share of all iterations."""

    at: float = 0.5

    def modules(self, modules: Mapping[str, Any]) -> dict[str, Any]:
        """Every layer with half of its coordinates and heads. Raises PersonaError for one whose border is not known."""
        if others := sorted(modules.keys() - {*LAYERS, *APART}):
            raise PersonaError(f"'grow' knows no border of the {others[0]}: switch one of the two off.")
        return {name: halved(name, spec) if name in LAYERS else spec for name, spec in modules.items()}

    def waiting(self, n_layer: int) -> tuple[int, ...]:
        """No block waits."""
        return ()

    def steps(self, n_layer: int, total_steps: int) -> tuple[int, ...]:
        """The iteration of total_steps before which the model grows."""
        return (round(self.at * total_steps),)

    def initial(self, values: dict[str, np.ndarray], n_layer: int) -> dict[str, np.ndarray]:
        """The initial values of all parameters, as the narrow layers draw them."""
        return values

    def borders(self, plan: Any, seed: int) -> dict[str, tuple[Border, np.ndarray]]:
        """{parameter: (its border, what is drawn for it)} of a plan that is to grow."""
        drawn = plan.grown.initial(seed)
        drawn["vocabulary.head"] = drawn["vocabulary.embedding"]
        result = {}
        for (layer, narrow), (_, wide) in zip(plan.layers(), plan.grown.layers(), strict=True):
            result |= {f"{layer}.{name}": border for name, border in borders(narrow, wide).items()}
        return {name: (border, drawn[name]) for name, border in result.items()}

    def grow(self, trainer: Any, ids: np.ndarray, targets: np.ndarray, noise: dict[str, np.ndarray], seed: int) -> None:
        """Put the border round all matrices."""
        trainer.widen(seed)


def train(recipe: Recipe) -> Recipe:
    """The recipe with growth."""
    return replace(recipe, growth=Gnomon())


def build(modules: Mapping[str, Any], sizes: Any, tables: dict[str, np.ndarray]) -> dict[str, Any]:
    """No module is replaced; PersonaError if one has no border."""
    Gnomon().modules(modules)
    return {}


NARROW = {  # layers of the narrow model, with what they are called
    "sphere": SphereNorm(8),
    "chord": ChordPerceptron(8, 5),
    "attention": Attention(8, 2),
    "motion": RigidMotion(8, 2, 3),
}
WIDE = {
    "sphere": SphereNorm(16),
    "chord": ChordPerceptron(16, 11),
    "attention": Attention(16, 4),
    "motion": RigidMotion(16, 4, 3),
}


def _widened(evaluate, g, narrow: Any, wide: Any) -> tuple[dict, dict]:
    """Parameters of the narrow layer in general position, and of the wide one, with all that is free drawn."""
    before, drawn = Case("", narrow, None).parameters(g), Case("", wide, None).parameters(g)
    pairs = borders(narrow, wide).items()
    return before, {name: evaluate(border, {}, "__call__", before[name], drawn[name]) for name, border in pairs}


def _unchanged(name: str):
    def sides(evaluate, g):
        narrow, wide = NARROW[name], WIDE[name]
        before, after = _widened(evaluate, g, narrow, wide)
        x = representable(g.normal(size=(2, 9, 8)))
        y = evaluate(wide, after, "__call__", np.concatenate([x, 0 * x], axis=-1))
        return y, np.concatenate([evaluate(narrow, before, "__call__", x), 0 * x], axis=-1)

    return sides


def _vocabulary(evaluate, g):
    wide = replace(TINY, n_embd=16)
    before, after = _widened(evaluate, g, TINY, wide)
    ids, x = g.integers(0, 45, (2, 9)), representable(g.normal(size=(2, 9, 8)))
    embedded = evaluate(wide, after, "embed", ids)
    scored = evaluate(wide, after, "log_prob", np.concatenate([x, 0 * x], axis=-1), ids)
    expected = evaluate(TINY, before, "embed", ids), evaluate(TINY, before, "log_prob", x, ids)
    return np.append(embedded, scored), np.append(np.concatenate([expected[0], 0 * x], axis=-1), expected[1])


def _positions(evaluate, g):
    narrow, wide = Mirrors(2, 4), Mirrors(4, 4)
    before, after = _widened(evaluate, g, narrow, wide)
    position = g.integers(-9, 9, (2, 5))
    x = representable(g.normal(size=(2, 4, 5, 4)))
    return evaluate(wide, after, "turn", x, position)[:, :2], evaluate(narrow, before, "turn", x[:, :2], position)


THEOREMS = (
    *(
        Theorem(f"gnomon: {name}", "the wide layer maps [x, 0] to [y, 0]", _unchanged(name), length=4 * 64)
        for name in NARROW
    ),
    Theorem("gnomon: vocabulary", "ids embed as [x, 0], and [x, 0] scores them as x", _vocabulary, length=4 * 64),
    Theorem("gnomon: positions", "the old heads turn as before", _positions, length=4 * 16),
)

BORDERLESS = "attention mla moe superpose equivariant sparse objective topology circuit muon meta repair retain"
SYSTEM = System(
    "grow",
    "E11, the gnomon",
    job="training: half of the width and heads at first, then a border round every matrix that changes no output",
    excludes=dict.fromkeys(BORDERLESS.split(), "it has parameters or a state without a border"),
    needs=("tokenize", "rope", "norm"),
    build=build,
    train=train,
)
