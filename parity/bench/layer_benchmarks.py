"""What a system costs beside the layer that it replaces.

A layer benchmark times a method of one layer against a method of another in each backend, in turns
(`lyceum.bench.alternate`), and reports the ratio with its 95% interval: forward alone, or forward and backward, in
float32, as training runs it (MLX compiled). Some ratios have a budget; the command fails if one is over it.

The two sides may differ in size. `per` says how many times more work the candidate does: a scan of 4,096 tokens against
eight times a scan of 512 says how far its cost is from linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np
import torch

from lyceum.bench.alternate import alternate, ratio_interval
from lyceum.personas.spec.benchmark import BLOCK, LayerBenchmark, Side
from lyceum.personas.spec.case import Case, collect
from lyceum.rng import stream
from parity.project.layers import method_of, mlx_module, torch_module

STEPS = 3  # runs of each in a round
LAYER_BENCHMARKS = tuple(collect("BENCHMARKS"))


@dataclass(frozen=True)
class Outcome:
    """A layer benchmark in one backend.

    seconds: the candidate's median. ratio, low, high: to the reference's time, with its 95% interval.
    """

    benchmark: LayerBenchmark
    backend: str
    seconds: float
    ratio: float
    low: float
    high: float

    @property
    def within_budget(self) -> bool:
        """Whether the ratio is at most the budget."""
        return self.ratio <= self.benchmark.budget


def runner(backend: str, side: Side, gradient: bool) -> Callable[[int], None]:
    """A function that runs a side once, to its end."""
    generator = stream(0, "layer benchmark")
    parameters = Case("", side.spec, None).parameters(generator)
    inputs = [generator.normal(size=shape) for shape in side.shapes]
    if side.ids:
        inputs.append(generator.integers(side.ids, size=BLOCK[0][:2]))
    return (_torch if backend == "torch" else _mlx)(side, parameters, inputs, gradient)


def _torch(side: Side, parameters: dict, inputs: list, gradient: bool) -> Callable[[int], None]:
    module = torch_module(side.spec, parameters, torch.float32)
    arguments = [torch.tensor(x, dtype=torch.float32 if x.dtype.kind == "f" else torch.int64) for x in inputs]
    floating = [x.requires_grad_(gradient) for x in arguments if x.is_floating_point()]
    leaves = [*floating, *(p for p in module.parameters() if p.requires_grad)]

    def run(_: int) -> None:
        with torch.set_grad_enabled(gradient):
            outputs = as_tuple(method_of(module, side.method)(*arguments))
            if gradient:
                torch.autograd.grad(sum(y.sum() for y in outputs), leaves, allow_unused=True)

    return run


def _mlx(side: Side, parameters: dict, inputs: list, gradient: bool) -> Callable[[int], None]:
    module = mlx_module(side.spec, parameters, mx.float32)
    arguments = [mx.array(x, mx.float32 if x.dtype.kind == "f" else mx.int32) for x in inputs]

    def outputs(tree: dict, *given: mx.array) -> tuple[mx.array, ...]:
        module.update(tree)
        return as_tuple(method_of(module, side.method)(*given))

    def total(tree: dict, *given: mx.array) -> mx.array:
        return sum(y.sum() for y in outputs(tree, *given))

    argnums = tuple(range(len(side.shapes) + 1))
    compiled = mx.compile(mx.value_and_grad(total, argnums=argnums) if gradient else outputs)
    tree = module.trainable_parameters()

    def run(_: int) -> None:
        mx.eval(compiled(tree, *arguments))

    return run


def as_tuple(outputs: Any) -> tuple:
    """The outputs of a method, also where it returns only one."""
    return outputs if isinstance(outputs, tuple) else (outputs,)


def measure(benchmark: LayerBenchmark, backend: str, rounds: int) -> Outcome:
    """One layer benchmark in one backend."""
    sides = {"candidate": benchmark.candidate, "reference": benchmark.reference}
    runners = {name: runner(backend, side, benchmark.gradient) for name, side in sides.items()}
    seconds = alternate(runners, rounds, STEPS)
    ratio = ratio_interval(seconds["candidate"] / benchmark.per, seconds["reference"])
    return Outcome(benchmark, backend, float(np.median(seconds["candidate"])), *ratio)


def run(patterns: list[str], rounds: int) -> Iterator[Outcome]:
    """The benchmarks whose names contain one of the patterns, or all. LookupError for a pattern in no name."""
    for pattern in patterns:
        if not any(matches(benchmark, [pattern]) for benchmark in LAYER_BENCHMARKS):
            names = "; ".join(benchmark.name for benchmark in LAYER_BENCHMARKS)
            raise LookupError(f"no layer benchmark is called {pattern!r}: {names}.")
    for benchmark in LAYER_BENCHMARKS:
        if not patterns or matches(benchmark, patterns):
            for backend in ("torch", "mlx"):
                yield measure(benchmark, backend, rounds)


def matches(benchmark: LayerBenchmark, patterns: list[str]) -> bool:
    """Whether the name contains one of the patterns."""
    return any(pattern.lower() in benchmark.name.lower() for pattern in patterns)
