"""A paired run: both models run once, and every call of MLX's is matched with the call of PyTorch's to compare it with.

What PyTorch's submodules are given is what both will be given. Where PyTorch gives a submodule something that MLX
computes inside, PyTorch runs once more for each sample of random rounding, see `matched_calls`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from parity.bounds.rounding import SAMPLES, UNIT, RandomRounding
from parity.compare.pair import Pair
from parity.localize.axes import Shape
from parity.localize.calls import ROOT, Call, Key, recording
from parity.localize.matched_calls import MatchedCalls, match_calls
from parity.localize.matching import clear_axes, greatest_difference
from parity.localize.paths import Modules, matched_paths
from parity.sides.test_point import Point
from parity.sides.trees import leaves
from parity.sides.variants import Variant

Calls = dict[Key, Call]


@dataclass(frozen=True)
class PairedRun:
    """calls: in the order in which MLX's ended, without the root's. unpaired: what was called in one model alone."""

    calls: tuple[MatchedCalls, ...]
    unpaired: tuple[str, ...]


def paired_run(pair: Pair, point: Point, modules: Modules | None = None) -> PairedRun:
    """Both models run once in float64, every call recorded and matched. Raises UsageError if `modules` fits nothing."""
    paths = matched_paths(pair.mlx.module, pair.torch.called.module, pair.names, modules)
    with recording(pair.mlx.module) as mlx_calls:
        pair.evaluate(Variant("mlx", "float64"), "value", point)
    torch_calls = recorded_torch_calls(pair, point)
    keys = {call.key: (paths.get(call.path), call.method, call.n) for call in mlx_calls}
    both = [(call, torch_calls[keys[call.key]]) for call in mlx_calls if keys[call.key] in torch_calls]
    usual = usual_orders(both)
    matched = [match_calls(*calls, usual) for calls in both]
    used = set(keys.values())
    unpaired = [f"MLX's {call.name}" for call in mlx_calls if keys[call.key] not in torch_calls and not_root(call)]
    unpaired += [f"PyTorch's {call.name}" for k, call in torch_calls.items() if k not in used and not_root(call)]
    if any(calls.torch_computed for calls in matched):
        matched = with_samples(matched, pair, point)
    return PairedRun(tuple(calls for calls in matched if not_root(calls.mlx)), tuple(dict.fromkeys(unpaired)))


def usual_orders(calls: list[tuple[Call, Call]]) -> tuple[Shape, ...]:
    """The orders of axes that shapes or values make clear, the most frequent first. calls: MLX's and PyTorch's."""
    clear_orders: Counter[Shape] = Counter()
    for pair in calls:
        ours, theirs = (list(dict(leaves(call.arguments, "")).values()) for call in pair)
        clear = (clear_axes(x, y, greatest_difference) for x in ours for y in theirs if x.dtype.kind == y.dtype.kind)
        clear_orders.update(axes.order for axes in clear if axes)
    return tuple(order for order, _ in clear_orders.most_common())


def with_samples(matched: list[MatchedCalls], pair: Pair, point: Point) -> list[MatchedCalls]:
    """The same with PyTorch's calls under random rounding."""
    samples = []
    for seed in range(SAMPLES):
        with RandomRounding(UNIT["float32"], seed):
            samples.append(recorded_torch_calls(pair, point))
    return [replace(calls, samples=tuple(sample[calls.torch.key] for sample in samples)) for calls in matched]


def recorded_torch_calls(pair: Pair, point: Point) -> Calls:
    """PyTorch's calls in float64, in order."""
    with recording(pair.torch.called.module) as calls:
        pair.torch.tensors(("value",), point)
    return {call.key: call for call in calls}


def not_root(call: Call) -> bool:
    return call.name != ROOT.name
