"""What does the harness cost beside the models that it runs?

A check runs the two models many times: every variant forward and backward; the oracle, and again under random rounding,
from which the bounds are derived; PyTorch forward along a line, for the slope. That is what a case computes. The rest
is the harness: lending parameters, carrying them across, comparing.

So the evaluations of one check are counted by kind, each kind is timed as a person would write it without any harness
(the module, `autograd.grad`, `value_and_grad`), and

    overhead = time of the check / sum of count x time  -  1.

All take turns, so that they meet the same weather. The model is the baseline's with one layer in a size where
arithmetic counts, (8, 64) tokens of width 512; in the sizes of our cases the interpreter is everything.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace

import mlx.core as mx
import numpy as np
import torch
from mlx.utils import tree_map
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from lyceum import personas
from lyceum.bench.race import race
from lyceum.contract import Fixed
from lyceum.personas.baseline.vocabulary import TiedVocabulary
from parity.bounds.rounding import UNIT, RandomRounding
from parity.compare.mlx_side import MlxSide
from parity.compare.pair import Pair
from parity.compare.test_point import Point
from parity.compare.torch_side import TorchSide
from parity.compare.verdicts import compare_pair
from parity.float64 import exact
from parity.project import full_model
from parity.project.layers import VARIANTS

PROMISED = 0.2
SIZES = Fixed(
    batch_size=8, block_size=64, n_layer=1, n_head=8, n_embd=512, max_iters=1, eval_interval=1, eval_batches=1
)
N_VOCAB = 97
FORWARD, BACKWARD, ROUNDED = "forward", "forward and backward", "the same under random rounding"


@dataclass(frozen=True)
class Overhead:
    """seconds: of a check. evaluations: {kind: (how many in a check, seconds of each)}. share: the overhead."""

    seconds: float
    evaluations: dict[str, tuple[int, float]]
    share: float
    plain: float
    rounding: float


def run(rounds: int) -> Overhead:
    """The overhead of a first-order check, the median over rounds."""
    pair, point = subject()
    counted = counts(pair, point)
    alone = {kind: evaluation(pair, point, kind) for kind in counted}
    runs = alone | {"check": lambda: list(compare_pair(pair, point, VARIANTS, ("gradient",)))}
    taken = race({name: lambda _, run=run: run() for name, run in runs.items()}, rounds, 1)
    models = sum(count * taken[kind] for kind, count in counted.items())
    evaluations = {kind: (count, float(np.median(taken[kind]))) for kind, count in counted.items()}
    noisy = sum(count * taken[kind] for kind, count in counted.items() if kind.endswith(ROUNDED))
    variants = sum(taken[kind] for kind in counted if kind.endswith(BACKWARD))
    check = taken["check"]
    medians = (float(np.median(x)) for x in (check / models - 1, check / variants, noisy / check))
    return Overhead(float(np.median(check)), evaluations, *medians)


def subject() -> tuple[Pair, Point]:
    """The model as a pair without a definition, as a foreign one would be, and a batch."""
    plan = personas.plan("baseline", SIZES, None, tables={})
    width = SIZES.n_embd
    plan = replace(plan, modules=plan.modules | {"vocabulary": TiedVocabulary(width, N_VOCAB, N_VOCAB)})
    pair, point = full_model.pair_and_point(plan)
    return replace(pair, definition=None), replace(point, batched=False)


def counts(pair: Pair, point: Point) -> Counter[str]:
    """How many evaluations of each kind one check makes."""
    counted: Counter[str] = Counter()

    class Torch(TorchSide):
        def _outputs(self, point, place):
            counted[f"torch {str(place.dtype).removeprefix('torch.')}, {FORWARD}"] += 1
            return super()._outputs(point, place)

        def _reverse(self, kinds, point, place):
            noisy = any(isinstance(mode, RandomRounding) for mode in _get_current_dispatch_mode_stack())
            counted[f"torch {str(place.dtype).removeprefix('torch.')}, {ROUNDED if noisy else BACKWARD}"] += 1
            return super()._reverse(kinds, point, place)

    class Mlx(MlxSide):
        def _reverse(self, point, variant):
            counted[f"mlx {variant.dtype}, {BACKWARD}"] += 1
            return super()._reverse(point, variant)

    sides = Torch(pair.torch.called.module, pair.torch.called.call), Mlx(pair.mlx.module, pair.mlx.call)
    list(compare_pair(replace(pair, torch=sides[0], mlx=sides[1]), point, VARIANTS, ("gradient",)))
    return counted


def evaluation(pair: Pair, point: Point, kind: str) -> Callable[[], object]:
    """An evaluation of one kind, without the harness."""
    variant, _, depth = kind.partition(", ")
    backend, dtype = variant.split()
    ids, targets, noise = point.inputs
    if backend == "mlx":
        return mlx_evaluation(pair, point, getattr(mx, dtype))
    place, module = getattr(torch, dtype), copy.deepcopy(pair.torch.called.module).to(getattr(torch, dtype))
    batch = torch.tensor(ids).long(), torch.tensor(targets).long()
    masks = {name: torch.tensor(x, dtype=place, requires_grad=True) for name, x in noise.items()}
    cotangent, leaves = torch.tensor(point.cotangents["output"], dtype=place), [*masks.values(), *module.parameters()]

    def forward() -> torch.Tensor:
        with torch.no_grad():
            return module.losses(*batch, masks)

    def backward() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(module.losses(*batch, masks), leaves, cotangent, allow_unused=True)

    def rounded() -> tuple[torch.Tensor, ...]:
        with sdpa_kernel(SDPBackend.MATH), RandomRounding(UNIT["float32"], 0):
            return backward()

    return {FORWARD: forward, BACKWARD: backward, ROUNDED: rounded}[depth]


def mlx_evaluation(pair: Pair, point: Point, kind: mx.Dtype) -> Callable[[], object]:
    """Forward and backward in MLX."""
    module = pair.mlx.module
    ids, targets = map(mx.array, point.inputs[:2])
    masks = {name: mx.array(x, kind) for name, x in point.inputs[2].items()}
    cotangent = mx.array(point.cotangents["output"], kind)
    parameters = tree_map(lambda x: x.astype(kind), module.parameters())

    def loss(parameters: dict, masks: dict) -> mx.array:
        module.update(parameters)
        return (module.losses(ids, targets, masks) * cotangent).sum()

    def backward() -> None:
        with mx.stream(mx.cpu), exact() if kind == mx.float64 else nullcontext():
            mx.eval(mx.value_and_grad(loss, argnums=(0, 1))(parameters, masks))

    return backward
