"""What a system costs beside the layer that it replaces: layer_benchmarks, as records, and how they are run.

A contest times one specification's method against another's in each backend, in turns (`lyceum.bench.race`), and reports the
ratio with its 95% interval: forward alone, or forward and backward, in float32, as training runs it (MLX compiled).
Some ratios are promised; a broken promise makes the command red.

A contest's two sides may differ in size, `per` being how many times more work the contender does: a scan of 4,096
places against eight times one of 512 says how far its cost is from linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import mlx.core as mx
import numpy as np
import torch

from lyceum.bench.race import compared, race
from lyceum.personas.spec.case import Case
from lyceum.rng import stream
from parity.bench.layer_benchmark_records import LAYER_BENCHMARKS, LayerBenchmark, Side
from parity.project.layers import method_of, mlx_module, torch_module

STEPS = 3  # runs of each in a round


@dataclass(frozen=True)
class Outcome:
    """contest, backend, and the contender's time in the reference's: the median ratio and its 95% interval."""

    contest: LayerBenchmark
    backend: str
    seconds: float
    ratio: float
    low: float
    high: float

    @property
    def kept(self) -> bool:
        """Whether the ratio is as promised."""
        return self.ratio <= self.contest.promised


def runner(backend: str, side: Side, gradient: bool) -> Callable[[int], None]:
    """What runs a side once, to its end."""
    generator = stream(0, "contest")
    parameters = Case("", side.spec, None).parameters(generator)
    inputs = [generator.normal(size=shape) for shape in side.shapes]
    return (_torch if backend == "torch" else _mlx)(side, parameters, inputs, gradient)


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


def hold(contest: LayerBenchmark, backend: str, rounds: int) -> Outcome:
    """One contest in one backend."""
    sides = {"contender": contest.contender, "reference": contest.reference}
    runners = {name: runner(backend, side, contest.gradient) for name, side in sides.items()}
    taken = race(runners, rounds, STEPS)
    ratio = compared(taken["contender"] / contest.per, taken["reference"])
    return Outcome(contest, backend, float(np.median(taken["contender"])), *ratio)


def run(patterns: list[str], rounds: int) -> Iterator[Outcome]:
    """Every contest whose name contains one of the patterns, or all; LookupError if one fits none."""
    for pattern in patterns:
        if not any(pattern.lower() in contest.name.lower() for contest in LAYER_BENCHMARKS):
            raise LookupError(
                f"no contest is called {pattern!r}: {'; '.join(contest.name for contest in LAYER_BENCHMARKS)}."
            )
    for contest in LAYER_BENCHMARKS:
        if not patterns or any(pattern.lower() in contest.name.lower() for pattern in patterns):
            for backend in ("torch", "mlx"):
                yield hold(contest, backend, rounds)
