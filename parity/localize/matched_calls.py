"""MatchedCalls: which recorded call of MLX's corresponds to which of PyTorch's, argument by argument.

Two calls correspond if their submodules do (`paths`), the method is the same, and it is the same call in number. Both
will be repeated on the values that PyTorch recorded. So each array that MLX was given is looked for among those that
PyTorch was given, by shape and dtype class (floating, integer, boolean). Of several the one with the nearest recorded
values is taken, of equally near ones the first. The values of outputs are what is in question: outputs are paired by
shape and dtype class, in order. Axes may lie in another order, channels last for instance (`axes`): where the shapes
leave a choice, arguments have the order in which their values are nearest, outputs that of the arguments, and what is
still open the most frequent one of the run.

An argument without a counterpart stays as its framework recorded it: None and "causal", caches, the rotary angles
that one framework computes inside and the other is given. One exception: an array that MLX computed and PyTorch does
not have would carry along whatever MLX did wrong before, so such a call is not compared, and the reason is recorded. A
constant, a mask say, differs from it by being exact in float32.

What PyTorch alone is given has been computed as well, and where MLX computes it inside, MLX rounds. So PyTorch is also
recorded under each sample of random rounding (`parity.bounds.rounding`), and in that sample is given those values.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import mlx.core as mx
import numpy as np
import torch
from mlx.utils import tree_flatten
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from lyceum.personas.spec.case import representable
from parity.bounds.rounding import RandomRounding
from parity.localize.axes import Axes, Shape
from parity.localize.calls import Call, Module, submodules
from parity.localize.matching import (
    Named,
    any_computed,
    greatest_difference,
    match_arrays,
    only_one_side,
    shapes,
    split,
    unmatched,
)
from parity.sides.trees import leaves, mapped


@dataclass(frozen=True)
class MatchedCalls:
    """Two calls to be compared.

    mlx: with PyTorch's values. inputs: the floating arrays that both are given. arguments, outputs: the names of those
    inputs, and of the outputs that are compared, (MLX's, PyTorch's). missing: what is not compared, a clause each.
    reason: why nothing can be, or "". torch_computed: whether PyTorch alone is given something that was computed.
    argument_axes, output_axes: how their entries lie in either. samples: PyTorch's call under random rounding, sample
    by sample.
    """

    mlx: Call
    torch: Call
    inputs: tuple[np.ndarray, ...]
    arguments: tuple[tuple[str, ...], tuple[str, ...]]
    outputs: tuple[tuple[str, ...], tuple[str, ...]]
    missing: tuple[str, ...]
    reason: str
    torch_computed: bool
    argument_axes: tuple[Axes, ...] = ()
    output_axes: tuple[Axes, ...] = ()
    samples: tuple[Call, ...] = ()

    def call_mlx(self, root: Module, *inputs: mx.array) -> Any:
        """MLX's call, repeated."""
        parameters = [x for _, x in tree_flatten(submodules(root)[self.mlx.path].parameters())]
        dtype = next((x.dtype for x in (*inputs, *parameters) if mx.issubdtype(x.dtype, mx.floating)), mx.float32)

        def constant(x: np.ndarray) -> mx.array:
            return mx.array(x, dtype) if x.dtype.kind == "f" else mx.array(x)

        moved = (axes.to_mlx(x) for axes, x in zip(self.argument_axes, inputs, strict=True))
        returned = repeat(self.mlx, root, dict(zip(self.arguments[0], moved, strict=True)), constant, self.outputs[0])
        return single(tuple(axes.to_torch(y) for axes, y in zip(self.output_axes, returned, strict=True)))

    def call_torch(self, root: Module, *inputs: torch.Tensor) -> Any:
        """PyTorch's call, repeated."""
        parameters = submodules(root)[self.torch.path].parameters()
        dtype = next((x.dtype for x in (*inputs, *parameters) if x.is_floating_point()), torch.float32)

        def constant(x: np.ndarray) -> torch.Tensor:
            return torch.tensor(x, dtype=dtype) if x.dtype.kind == "f" else torch.tensor(x)

        seed, call = current_sample(), self.torch
        if self.samples and seed is not None:
            call = self.samples[seed % len(self.samples)]
        given = dict(zip(self.arguments[1], inputs, strict=True))
        return single(repeat(call, root, given, constant, self.outputs[1]))

    def torch_outputs(self) -> Named:
        """What PyTorch returned, by the names of a probe's outputs."""
        recorded, names = dict(leaves(self.torch.output, "")), self.outputs[1]
        return {f"output {i}" if len(names) > 1 else "output": recorded[name] for i, name in enumerate(names)}


def repeat(call: Call, root: Module, given: dict[str, Any], constant: Callable, outputs: tuple[str, ...]) -> tuple:
    """The call repeated with the arrays `given`. Returns those of its outputs."""
    # A copy, because a call may write into its cache.
    arguments = copy.deepcopy(call.arguments)
    args, named = mapped(arguments, "", lambda name, x: given[name] if name in given else constant(x))
    returned = dict(leaves(getattr(submodules(root)[call.path], call.method)(*args, **named), ""))
    return tuple(returned[name] for name in outputs)


def single(outputs: tuple) -> Any:
    """Several outputs as they are, one by itself."""
    return outputs if len(outputs) > 1 else outputs[0]


def current_sample() -> int | None:
    """The number of the sample of random rounding that is being drawn, None outside of one."""
    modes = _get_current_dispatch_mode_stack()
    return next((mode.generator.initial_seed() for mode in modes if isinstance(mode, RandomRounding)), None)


def match_calls(mlx: Call, torch: Call, usual: tuple[Shape, ...] = ()) -> MatchedCalls:
    """How two calls correspond, see the module's docstring. usual: orders of axes that are frequent in the run."""
    arguments = [dict(leaves(call.arguments, "")) for call in (mlx, torch)]
    outputs = [dict(leaves(call.output, "")) for call in (mlx, torch)]
    given = match_arrays(*arguments, greatest_difference, usual=usual)
    orders = tuple(dict.fromkeys(axes.order for *_, axes in given))
    both = match_arrays(*outputs, lambda x, y: 0.0, orders, usual)
    returned = [pair for pair in both if outputs[0][pair[0]].dtype.kind == "f"]
    forced = {ours: axes.to_mlx(arguments[1][n]).astype(arguments[0][ours].dtype) for ours, n, axes in given}
    floating = [pair for pair in given if forced[pair[0]].dtype.kind == "f" and np.isfinite(forced[pair[0]]).all()]
    other_arguments = [unmatched(arrays, given, side) for side, arrays in enumerate(arguments)]
    other_outputs = [unmatched(arrays, returned, side) for side, arrays in enumerate(outputs)]
    reason = ""
    if not returned:
        reason = f"MLX returns {shapes(outputs[0])}, PyTorch {shapes(outputs[1])}"
    elif any_computed(other_arguments[0]):
        reason = f"MLX alone is given {shapes(other_arguments[0])}, PyTorch alone {shapes(other_arguments[1])}"
    return MatchedCalls(
        replace(mlx, arguments=mapped(mlx.arguments, "", lambda name, x: forced.get(name, x))),
        torch,
        tuple(representable(arguments[1][theirs]) for _, theirs, _ in floating),
        split(floating),
        split(returned),
        (*only_one_side("is given", other_arguments), *only_one_side("returns", other_outputs)),
        reason,
        any_computed(other_arguments[1]),
        tuple(axes for *_, axes in floating),
        tuple(axes for *_, axes in returned),
    )
