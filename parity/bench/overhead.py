"""What does the harness cost beside the models that it runs?

A check runs the two models many times: every variant forward and backward; the oracle, and again under random rounding,
from which the bounds are derived; PyTorch forward along a line, for the slope. That is what a case computes. The rest
is the harness: lending parameters, carrying them across, comparing.

So the different evaluations of one check are counted, each is timed as a person would write it without any harness (the
module, `autograd.grad`, `value_and_grad`), and

    overhead = time of the check / sum of count x time  -  1.

All take turns, so that they meet the same conditions. The model is the baseline's with one layer in a size where
arithmetic counts, (8, 64) tokens of width 512; in the sizes of our cases nearly all the time is the interpreter's.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import mlx.core as mx
import numpy as np
import torch
from mlx.utils import tree_map
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from lyceum import personas
from lyceum.bench.alternate import alternate
from lyceum.contract import Fixed
from lyceum.personas.baseline.vocabulary import TiedVocabulary
from parity.bounds.rounding import UNIT, RandomRounding
from parity.compare.pair import Pair
from parity.compare.verdicts import compare_pair
from parity.float64 import exact
from parity.project import full_model
from parity.project.layers import VARIANTS
from parity.results.records import Overhead
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Point
from parity.sides.torch_side import TorchSide

BUDGET = 0.2  # the share must stay below this
SIZES = Fixed(
    batch_size=8, block_size=64, n_layer=1, n_head=8, n_embd=512, max_iters=1, eval_interval=1, eval_batches=1
)
N_VOCAB = 97
FORWARD, BACKWARD, ROUNDED = "forward", "forward and backward", "the same under random rounding"


def run(rounds: int) -> Overhead:
    """The overhead of a first-order check, the median over rounds."""
    pair, point = model_pair()
    counts = evaluation_counts(pair, point)
    runs = {name: evaluation(pair, point, name) for name in counts}
    runs["check"] = lambda: list(compare_pair(pair, point, VARIANTS, ("gradient",)))
    seconds = alternate({name: lambda _, run=run: run() for name, run in runs.items()}, rounds, 1)
    check = seconds["check"]
    models = sum(count * seconds[name] for name, count in counts.items())
    rounded = sum(count * seconds[name] for name, count in counts.items() if name.endswith(ROUNDED))
    variants = sum(seconds[name] for name in counts if name.endswith(BACKWARD))
    return Overhead(
        seconds=float(np.median(check)),
        evaluations={name: (count, float(np.median(seconds[name]))) for name, count in counts.items()},
        share=float(np.median(check / models - 1)),
        plain=float(np.median(check / variants)),
        rounding=float(np.median(rounded / check)),
        budget=BUDGET,
    )


def model_pair() -> tuple[Pair, Point]:
    """The model as a pair without a reference, as a foreign one would be, and a batch."""
    plan = personas.plan("baseline", SIZES, None, tables={})
    width = SIZES.n_embd
    plan = replace(plan, modules=plan.modules | {"vocabulary": TiedVocabulary(width, N_VOCAB, N_VOCAB)})
    pair, point = full_model.pair_and_point(plan)
    return replace(pair, reference=None), replace(point, batched=False)


def evaluation_counts(pair: Pair, point: Point) -> Counter[str]:
    """{evaluation: how often one check makes it}"""
    counts: Counter[str] = Counter()

    class Torch(TorchSide):
        def _outputs(self, point, setting):
            counts[f"torch {dtype_name(setting.dtype)}, {FORWARD}"] += 1
            return super()._outputs(point, setting)

        def _reverse(self, probes, point, setting):
            rounded = any(isinstance(mode, RandomRounding) for mode in _get_current_dispatch_mode_stack())
            counts[f"torch {dtype_name(setting.dtype)}, {ROUNDED if rounded else BACKWARD}"] += 1
            return super()._reverse(probes, point, setting)

    class Mlx(MlxSide):
        def _reverse(self, point, variant):
            counts[f"mlx {variant.dtype}, {BACKWARD}"] += 1
            return super()._reverse(point, variant)

    sides = Torch(pair.torch.called.module, pair.torch.called.call), Mlx(pair.mlx.module, pair.mlx.call)
    list(compare_pair(replace(pair, torch=sides[0], mlx=sides[1]), point, VARIANTS, ("gradient",)))
    return counts


def dtype_name(dtype: torch.dtype) -> str:
    """ "float32", ..."""
    return str(dtype).removeprefix("torch.")


def evaluation(pair: Pair, point: Point, name: str) -> Callable[[], object]:
    """One evaluation, by its name in `evaluation_counts`, without the harness."""
    variant, _, depth = name.partition(", ")
    backend, dtype = variant.split()
    ids, targets, noise = point.inputs
    if backend == "mlx":
        return mlx_evaluation(pair, point, getattr(mx, dtype))
    dtype = getattr(torch, dtype)
    module = copy.deepcopy(pair.torch.called.module).to(dtype)
    batch = torch.tensor(ids).long(), torch.tensor(targets).long()
    masks = {name: torch.tensor(x, dtype=dtype, requires_grad=True) for name, x in noise.items()}
    cotangent, leaves = torch.tensor(point.cotangents["output"], dtype=dtype), [*masks.values(), *module.parameters()]

    def forward() -> torch.Tensor:
        with torch.no_grad():
            return module.losses(*batch, masks)

    def backward() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(module.losses(*batch, masks), leaves, cotangent, allow_unused=True)

    def rounded() -> tuple[torch.Tensor, ...]:
        with sdpa_kernel(SDPBackend.MATH), RandomRounding(UNIT["float32"], 0):
            return backward()

    return {FORWARD: forward, BACKWARD: backward, ROUNDED: rounded}[depth]


def mlx_evaluation(pair: Pair, point: Point, dtype: mx.Dtype) -> Callable[[], object]:
    """Forward and backward in MLX."""
    module = pair.mlx.module
    ids, targets = map(mx.array, point.inputs[:2])
    masks = {name: mx.array(x, dtype) for name, x in point.inputs[2].items()}
    cotangent = mx.array(point.cotangents["output"], dtype)
    parameters = tree_map(lambda x: x.astype(dtype), module.parameters())

    def loss(parameters: dict, masks: dict) -> mx.array:
        module.update(parameters)
        return (module.losses(ids, targets, masks) * cotangent).sum()

    def backward() -> None:
        with mx.stream(mx.cpu), exact() if dtype == mx.float64 else nullcontext():
            mx.eval(mx.value_and_grad(loss, argnums=(0, 1))(parameters, masks))

    return backward
