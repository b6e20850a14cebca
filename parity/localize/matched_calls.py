"""MatchedCalls: which recorded call of MLX's is which of PyTorch's, and how their arguments and outputs correspond.

Two calls are partners if their submodules are (`paths`), the method is the same, and it is the same call in
number. Both are to be repeated on PyTorch's recorded values, so each array that MLX was given is looked for among those
that PyTorch was given, of its shape and kind (floating, whole, truth). Of several the one with the nearest recorded
values is taken, of equally near ones the first. Outputs, whose values are what is in question, are paired by shape and
kind, in order.

What has no counterpart stays as its own framework recorded it: None and "causal", caches, the rotary angles that one
computes inside and the other is handed. With one exception: an array that MLX computed and PyTorch does not have would
bring along whatever MLX did wrong before, so such a call is not compared, and the reason is kept. A constant, a mask
say, is told from it by being exact in float32.

What only PyTorch is handed has been computed, too, and where MLX computes it inside, MLX rounds. So PyTorch is recorded
under each sample of random rounding as well (`parity.bounds.rounding`), and in that sample is handed what it was handed there.
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
from parity.compare.trees import leaves, mapped
from parity.localize.calls import Call, Module, submodules
from parity.localize.matching import Named, clauses, computed, distance, matched, shapes, split, without


@dataclass(frozen=True)
class MatchedCalls:
    """Two calls to be held against each other.

    mlx: with PyTorch's values. inputs: the floating arrays that both are given. slots: the arguments that they are,
    (MLX's, PyTorch's). outputs: those that are compared, (MLX's, PyTorch's). missing: what is not, a clause each.
    reason: why nothing can be, or "". handed: whether PyTorch alone is given something that was computed. samples:
    PyTorch's call under random rounding, sample by sample.
    """

    mlx: Call
    torch: Call
    inputs: tuple[np.ndarray, ...]
    slots: tuple[tuple[str, ...], tuple[str, ...]]
    outputs: tuple[tuple[str, ...], tuple[str, ...]]
    missing: tuple[str, ...]
    reason: str
    handed: bool
    samples: tuple[Call, ...] = ()

    def call_mlx(self, root: Module, *inputs: mx.array) -> Any:
        """MLX's call, repeated."""
        own = [x for _, x in tree_flatten(submodules(root)[self.mlx.path].parameters())]
        kind = next((x.dtype for x in (*inputs, *own) if mx.issubdtype(x.dtype, mx.floating)), mx.float32)

        def constant(x: np.ndarray) -> mx.array:
            return mx.array(x, kind) if x.dtype.kind == "f" else mx.array(x)

        return repeated(self.mlx, root, dict(zip(self.slots[0], inputs, strict=True)), constant, self.outputs[0])

    def call_torch(self, root: Module, *inputs: torch.Tensor) -> Any:
        """PyTorch's call, repeated."""
        own = submodules(root)[self.torch.path].parameters()
        kind = next((x.dtype for x in (*inputs, *own) if x.is_floating_point()), torch.float32)

        def constant(x: np.ndarray) -> torch.Tensor:
            return torch.tensor(x, dtype=kind) if x.dtype.kind == "f" else torch.tensor(x)

        seed = sample()
        call = self.samples[seed % len(self.samples)] if self.samples and seed is not None else self.torch
        return repeated(call, root, dict(zip(self.slots[1], inputs, strict=True)), constant, self.outputs[1])

    def answers(self) -> Named:
        """What PyTorch answered, by the names of a probe's outputs."""
        own, names = dict(leaves(self.torch.output, "")), self.outputs[1]
        return {f"output {i}" if len(names) > 1 else "output": own[name] for i, name in enumerate(names)}


def repeated(call: Call, root: Module, given: dict[str, Any], constant: Callable, outputs: tuple[str, ...]) -> Any:
    """The call made again with the arrays `given`; those of its outputs, one by itself."""
    # A copy, because a call may write into its cache.
    arguments = copy.deepcopy(call.arguments)
    args, named = mapped(arguments, "", lambda name, x: given[name] if name in given else constant(x))
    answered = dict(leaves(getattr(submodules(root)[call.path], call.method)(*args, **named), ""))
    found = tuple(answered[name] for name in outputs)
    return found if len(found) > 1 else found[0]


def sample() -> int | None:
    """Which sample of random rounding is being taken at this moment, if any."""
    modes = _get_current_dispatch_mode_stack()
    return next((mode.generator.initial_seed() for mode in modes if isinstance(mode, RandomRounding)), None)


def match_calls(mlx: Call, torch: Call) -> MatchedCalls:
    """How two calls correspond, see the module."""
    asked = [dict(leaves(call.arguments, "")) for call in (mlx, torch)]
    answered = [dict(leaves(call.output, "")) for call in (mlx, torch)]
    given = matched(*asked, distance)
    returned = [pair for pair in matched(*answered, lambda x, y: 0.0) if answered[0][pair[0]].dtype.kind == "f"]
    forced = {ours: asked[1][theirs].astype(asked[0][ours].dtype) for ours, theirs in given}
    floating = [pair for pair in given if forced[pair[0]].dtype.kind == "f" and np.isfinite(forced[pair[0]]).all()]
    left = [without(arrays, given, side) for side, arrays in enumerate(asked)]
    rest = [without(arrays, returned, side) for side, arrays in enumerate(answered)]
    reason = ""
    if not returned:
        reason = f"MLX returns {shapes(answered[0])}, PyTorch {shapes(answered[1])}"
    elif computed(left[0]):
        reason = f"MLX alone is given {shapes(left[0])}, PyTorch alone {shapes(left[1])}"
    return MatchedCalls(
        replace(mlx, arguments=mapped(mlx.arguments, "", lambda name, x: forced.get(name, x))),
        torch,
        tuple(representable(forced[ours]) for ours, _ in floating),
        split(floating),
        split(returned),
        (*clauses("is given", left), *clauses("returns", rest)),
        reason,
        computed(left[1]),
    )
