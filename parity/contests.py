"""What a system costs beside the room that it replaces: contests, as records, and how they are run.

A contest times one specification's method against another's in each wing, in turns (`training.race`), and reports the
ratio with its 95% interval: forward alone, or forward and backward, in float32, as training runs it (MLX compiled).
Some ratios are promised; a broken promise makes the command red.

A contest's two sides may differ in size, `per` being how many times more work the contender does: a scan of 4,096
places against eight times one of 512 says how far its cost is from linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np
import torch

from corpus.chance import stream
from parity.rooms import method_of, mlx_module, torch_module
from personas.aristotle.attention import Syllogism
from personas.aristotle.mla import LatentAttention
from personas.aristotle.moe import PorphyryTree
from personas.aristotle.norm import GatedMesotes, GoldenMean
from personas.aristotle.ssm import SelectiveStateSpace
from personas.baseline.attention import Attention
from personas.baseline.mlp import MLP
from personas.baseline.norm import LayerNorm
from personas.case import Case
from personas.euclid.attention import CircleAttention
from personas.euclid.mla import Projection
from personas.euclid.moe import SimplexExperts
from personas.euclid.norm import ChordPerceptron, SphereNorm
from personas.euclid.ssm import RigidMotion
from training.race import compared, race

STEPS = 3  # runs of each in a round


@dataclass(frozen=True)
class Side:
    """spec: the specification. shapes: of the method's floating arguments. method: which is called."""

    spec: Any
    shapes: tuple[tuple[int, ...], ...]
    method: str = "__call__"


@dataclass(frozen=True)
class Contest:
    """name: what is asked. contender, reference: who. gradient: whether the backward pass runs too.

    per: the contender's work, in the reference's. promised: the greatest ratio that the project promises, if any.
    """

    name: str
    contender: Side
    reference: Side
    gradient: bool = True
    per: float = 1.0
    promised: float = np.inf


@dataclass(frozen=True)
class Outcome:
    """contest, wing, and the contender's time in the reference's: the median ratio and its 95% interval."""

    contest: Contest
    wing: str
    seconds: float
    ratio: float
    low: float
    high: float

    @property
    def kept(self) -> bool:
        """Whether the ratio is as promised."""
        return self.ratio <= self.contest.promised


BLOCK, ATTENTION = ((8, 64, 32),), Attention(32, 4)
SCAN, TREE, SIMPLEX = SelectiveStateSpace(32, 4), PorphyryTree(32, 3, 20), SimplexExperts(32, 32)
SCAN, TREE = SelectiveStateSpace(32, 4), PorphyryTree(32, 3, 20)
MOTION = RigidMotion(32, 4)


def long(length: int) -> tuple[tuple[int, ...], ...]:
    """One sequence of `length` places."""
    return ((1, length, 32),)


def decoding(spec: Any, cached: int) -> Side:
    """One new token of one text after `cached` others."""
    return Side(spec, tuple(_grown(x.shape, cached) for x in spec.start(1)) + ((1, 1, spec.n_embd),), "step")


def _grown(shape: tuple[int, ...], cached: int) -> tuple[int, ...]:
    """The shape of a part of a cache, of which an axis without length is the tokens'."""
    return tuple(size or cached for size in shape)


ORGANON, PROJECTION = LatentAttention(32, 4), Projection(32, 4)
CIRCLE = CircleAttention(32, 4)
ORGANON = LatentAttention(32, 4)
CONTESTS = (
    Contest("A3 syllogism / attention", Side(Syllogism(32, 4), BLOCK), Side(ATTENTION, BLOCK), promised=2.2),
    Contest("A2 scan / attention, T = 64", Side(SCAN, BLOCK), Side(ATTENTION, BLOCK), promised=4.0),
    Contest("A2 scan / attention, T = 1,024", Side(SCAN, long(1024)), Side(ATTENTION, long(1024))),
    Contest("A2 scan / attention, T = 4,096", Side(SCAN, long(4096)), Side(ATTENTION, long(4096))),
    Contest("A2 scan, T = 4,096 / 8 x T = 512", Side(SCAN, long(4096)), Side(SCAN, long(512)), per=8.0, promised=1.5),
    Contest("E2 scan / attention, T = 64", Side(MOTION, BLOCK), Side(ATTENTION, BLOCK), promised=4.0),
    Contest("E2 scan / attention, T = 1,024", Side(MOTION, long(1024)), Side(ATTENTION, long(1024))),
    Contest("E2 scan / attention, T = 4,096", Side(MOTION, long(4096)), Side(ATTENTION, long(4096))),
    Contest(
        "E2 scan, T = 4,096 / 8 x T = 512", Side(MOTION, long(4096)), Side(MOTION, long(512)), per=8.0, promised=1.5
    ),
    Contest("A6 latent attention / attention", Side(ORGANON, BLOCK), Side(ATTENTION, BLOCK)),
    Contest("E6 projection / attention", Side(PROJECTION, BLOCK), Side(ATTENTION, BLOCK)),
    Contest("A1 sparse / dense, E = 8", Side(TREE, BLOCK), Side(TREE, BLOCK, "dense"), promised=1.0),
    Contest("A1 sparse / dense, E = 8, forward", Side(TREE, BLOCK), Side(TREE, BLOCK, "dense"), gradient=False),
    Contest("A9 golden mean / layer norm", Side(GoldenMean(32), BLOCK), Side(LayerNorm(32), BLOCK)),
    Contest("A9 gated mesotes / GELU perceptron", Side(GatedMesotes(32, 85), BLOCK), Side(MLP(32), BLOCK)),
    Contest("E1 sparse / dense, E = 8, k = 2", Side(SIMPLEX, BLOCK), Side(SIMPLEX, BLOCK, "dense"), promised=1.0),
    Contest("E1 simplex of experts / tree of experts", Side(SIMPLEX, BLOCK), Side(TREE, BLOCK)),
    Contest("E1 simplex of experts / GELU perceptron", Side(SIMPLEX, BLOCK), Side(MLP(32), BLOCK)),
    Contest("E9 sphere / layer norm", Side(SphereNorm(32), BLOCK), Side(LayerNorm(32), BLOCK)),
    Contest("E9 gated chord / GELU perceptron", Side(ChordPerceptron(32, 85), BLOCK), Side(MLP(32), BLOCK)),
    Contest("E3 circle / attention", Side(CIRCLE, BLOCK), Side(ATTENTION, BLOCK), promised=1.3),
    Contest(
        "E3 circle / attention, T = 1,024", Side(CIRCLE, long(1024)), Side(ATTENTION, long(1024)), promised=1.3
    ),
    *(
        Contest(
            f"{name} decode after {cached:,} cached tokens / plain keys and values",
            decoding(spec, cached),
            decoding(ATTENTION, cached),
            gradient=False,
        )
        for name, spec in (("A6", ORGANON), ("E6", PROJECTION), ("A2", SCAN))
        for name, spec in (("A6", ORGANON), ("A2", SCAN), ("E2", MOTION))
        for cached in (64, 1024, 4096)
    ),
)


def runner(wing: str, side: Side, gradient: bool) -> Callable[[int], None]:
    """What runs a side once, to its end."""
    generator = stream(0, "contest")
    parameters = Case("", side.spec, None).parameters(generator)
    inputs = [generator.normal(size=shape) for shape in side.shapes]
    return (_torch if wing == "torch" else _mlx)(side, parameters, inputs, gradient)


def _torch(side: Side, parameters: dict, inputs: list, gradient: bool) -> Callable[[int], None]:
    module = torch_module(side.spec, parameters, torch.float32)
    arguments = [torch.tensor(x, dtype=torch.float32, requires_grad=gradient) for x in inputs]
    wanted = [*arguments, *(p for p in module.parameters() if p.requires_grad)]

    def run(_: int) -> None:
        with torch.set_grad_enabled(gradient):
            found = method_of(module, side.method)(*arguments)
            outputs = found if isinstance(found, tuple) else (found,)
            if gradient:
                torch.autograd.grad(sum(y.sum() for y in outputs), wanted, allow_unused=True)

    return run


def _mlx(side: Side, parameters: dict, inputs: list, gradient: bool) -> Callable[[int], None]:
    module = mlx_module(side.spec, parameters, mx.float32)
    arguments = [mx.array(x, mx.float32) for x in inputs]

    def outputs(tree: dict, *given: mx.array) -> tuple[mx.array, ...]:
        module.update(tree)
        found = method_of(module, side.method)(*given)
        return found if isinstance(found, tuple) else (found,)

    def total(tree: dict, *given: mx.array) -> mx.array:
        return sum(y.sum() for y in outputs(tree, *given))

    places = tuple(range(len(arguments) + 1))
    compiled = mx.compile(mx.value_and_grad(total, argnums=places) if gradient else outputs)
    tree = module.trainable_parameters()

    def run(_: int) -> None:
        mx.eval(compiled(tree, *arguments))

    return run


def hold(contest: Contest, wing: str, rounds: int) -> Outcome:
    """One contest in one wing."""
    sides = {"contender": contest.contender, "reference": contest.reference}
    runners = {name: runner(wing, side, contest.gradient) for name, side in sides.items()}
    taken = race(runners, rounds, STEPS)
    ratio = compared(taken["contender"] / contest.per, taken["reference"])
    return Outcome(contest, wing, float(np.median(taken["contender"])), *ratio)


def run(patterns: list[str], rounds: int) -> Iterator[Outcome]:
    """Every contest whose name contains one of the patterns, or all; LookupError if one fits none."""
    for pattern in patterns:
        if not any(pattern.lower() in contest.name.lower() for contest in CONTESTS):
            raise LookupError(f"no contest is called {pattern!r}: {'; '.join(contest.name for contest in CONTESTS)}.")
    for contest in CONTESTS:
        if not patterns or any(pattern.lower() in contest.name.lower() for pattern in patterns):
            for wing in ("torch", "mlx"):
                yield hold(contest, wing, rounds)
