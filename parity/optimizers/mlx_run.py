"""An MLX optimizer, run step by step in float32 as it is, or in float64.

In float64 it is not enough that parameters and gradients are: MLX keeps the learning rate as a float32 array, counts
steps in uint64, and beta ** step takes the precision of the counter, float32. So a copy of the optimizer counts in
float64 and stores its rate in float64. The rate's digits beyond float32 are lost when MLX's optimizer is made: where
PyTorch's rate rounds to the same float32, PyTorch's is taken, else MLX's. A schedule is called with the float64
counter and so computes in float64 by itself, with the transcendental functions of the exact mode.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import nullcontext

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

from lyceum.contract import UsageError
from parity.float64.mlx_mode import exact
from parity.optimizers.inputs import Arrays, OptimizerInputs
from parity.optimizers.torch_run import Key, described


def accepted(optimizer: optim.Optimizer) -> optim.Optimizer:
    """The optimizer, if it is one and has taken no step. Raises UsageError, one sentence."""
    if not isinstance(optimizer, optim.Optimizer):
        raise UsageError(
            f"mlx must be an optimizer, such as mlx.optimizers.SGD(learning_rate=1e-2), not {described(optimizer)}."
        )
    for one in single_optimizers(optimizer):
        taken = int(one.state["step"].item())
        if taken:
            raise UsageError(f"MLX's optimizer has taken {taken} steps and PyTorch's starts with none: give a new one.")
    return optimizer


def single_optimizers(optimizer: optim.Optimizer) -> Iterator[optim.Optimizer]:
    """The optimizers that a MultiOptimizer delegates to, at any depth; or the optimizer itself."""
    if isinstance(optimizer, optim.MultiOptimizer):
        for one in optimizer.optimizers:
            yield from single_optimizers(one)
    else:
        yield optimizer


def prepared(optimizer: optim.Optimizer, dtype: mx.Dtype, rates: list[float]) -> optim.Optimizer:
    """A copy at step 0 that computes in `dtype`, see the module. rates: PyTorch's learning rates."""
    fresh = copy.deepcopy(optimizer)
    for one in single_optimizers(fresh):
        constants = {key: value for key, value in one.state.items() if isinstance(value, mx.array) and key != "step"}
        if dtype == mx.float64:
            constants = {key: mx.array(in_full(value, rates), dtype) for key, value in constants.items()}
        one.state = constants | {"step": mx.array(0, dtype if dtype == mx.float64 else mx.uint64)}
    return fresh


def in_full(constant: mx.array, rates: list[float]) -> float:
    """The float64 number that MLX rounded to this float32, as far as PyTorch's learning rates tell."""
    return next((rate for rate in rates if np.float32(rate) == constant.item()), constant.item())


def run(optimizer: optim.Optimizer, inputs: OptimizerInputs, dtype: str, rates: list[float]) -> dict[Key, np.ndarray]:
    """Parameters and state at the marks of `inputs`, as float64; the optimizer itself is not changed."""
    precision, states = getattr(mx, dtype), {}
    with mx.stream(mx.cpu), exact() if dtype == "float64" else nullcontext():
        fresh = prepared(optimizer, precision, rates)
        parameters = tree({name: mx.array(p, precision) for name, p in inputs.parameters.items()})
        fresh.init(parameters)
        for t, drawn in enumerate(inputs.gradients):
            gradients = tree({name: mx.array(g, precision) for name, g in given(inputs, drawn, t).items()})
            if inputs.clip_norm is not None:
                gradients, _ = optim.clip_grad_norm(gradients, inputs.clip_norm)
            if inputs.learning_rate is not None:
                fresh.learning_rate = mx.array(inputs.learning_rate(t), precision)
            moved = dict(tree_flatten(fresh.apply_gradients(gradients, parameters)))
            parameters = tree(dict(tree_flatten(parameters)) | moved)
            mx.eval(parameters, fresh.state)
            if t + 1 in inputs.marks:
                states |= {(*key, t + 1): np.array(x, np.float64) for key, x in state_of(fresh, parameters)}
    return states


def tree(named: dict[str, mx.array]) -> dict:
    """The nested parameters that MLX's optimizers take."""
    # Of no arrays MLX would make a list.
    return tree_unflatten(list(named.items())) if named else {}


def given(inputs: OptimizerInputs, drawn: Arrays, t: int) -> Arrays:
    """The gradients that MLX is given at iteration t: where PyTorch has none, zeros or none."""
    lacking = [name for name in drawn if inputs.lacks(name, t)]
    if inputs.absent == "zero":
        return drawn | {name: np.zeros_like(drawn[name]) for name in lacking}
    return {name: g for name, g in drawn.items() if name not in lacking}


def state_of(optimizer: optim.Optimizer, parameters: dict) -> Iterator[tuple[tuple[str, str], mx.array]]:
    """((parameter, name of its state), value): the parameters, and what the optimizer stores for each."""
    named = dict(tree_flatten(parameters))
    yield from (((name, ""), p) for name, p in named.items())
    for one in single_optimizers(optimizer):
        for path, value in tree_flatten(one.state):
            name, _, key = path.rpartition(".")
            if name in named:
                yield (name, key), value
