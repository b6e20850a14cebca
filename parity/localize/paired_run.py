"""Teaching: both models run once, and every call of MLX's is given the call of PyTorch's that it will be held to.

PyTorch is the teacher: what its submodules are given is what both will be given. Where it hands a submodule something
that MLX computes inside, it runs once more for each sample of random rounding, see `partners`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from parity.bounds.rounding import SAMPLES, UNIT, RandomRounding
from parity.compare.pair import Pair
from parity.compare.test_point import Point
from parity.compare.variants import Variant
from parity.localize.calls import ROOT, Call, recording
from parity.localize.matched_calls import MatchedCalls, match_calls
from parity.localize.paths import Modules, renamed

Calls = dict[tuple[str, str, int], Call]  # by path, method and number


@dataclass(frozen=True)
class PairedRun:
    """calls: in the order in which MLX's ended, without the root's. unpaired: what was called in one model alone."""

    calls: tuple[MatchedCalls, ...]
    unpaired: tuple[str, ...]


def paired_run(pair: Pair, point: Point, modules: Modules | None = None) -> PairedRun:
    """Both models run once in float64, every call recorded and paired. Raises UsageError for a slip in `modules`."""
    paths = renamed(pair.mlx.module, pair.torch.called.module, pair.names, modules)
    with recording(pair.mlx.module) as ours:
        pair.probe(Variant("mlx", "float64"), "value", point)
    theirs = torch_calls(pair, point)
    keys = {key(call): (paths.get(call.path), call.method, call.n) for call in ours}
    found = [match_calls(call, theirs[keys[key(call)]]) for call in ours if keys[key(call)] in theirs]
    alone = [f"MLX's {call.place}" for call in ours if keys[key(call)] not in theirs and call.place != ROOT.place]
    taken = set(keys.values())
    alone += [f"PyTorch's {call.place}" for k, call in theirs.items() if k not in taken and call.place != ROOT.place]
    if any(each.handed for each in found):
        found = sampled(found, pair, point)
    calls = (each for each in found if each.mlx.place != ROOT.place)
    return PairedRun(tuple(calls), tuple(dict.fromkeys(alone)))


def sampled(found: list[MatchedCalls], pair: Pair, point: Point) -> list[MatchedCalls]:
    """The same with PyTorch's calls under random rounding."""
    samples = []
    for seed in range(SAMPLES):
        with RandomRounding(UNIT["float32"], seed):
            samples.append(torch_calls(pair, point))
    return [replace(each, samples=tuple(calls[key(each.torch)] for calls in samples)) for each in found]


def torch_calls(pair: Pair, point: Point) -> Calls:
    """PyTorch's calls in float64, in order."""
    with recording(pair.torch.called.module) as found:
        pair.torch.tensors(("value",), point)
    return {key(call): call for call in found}


def key(call: Call) -> tuple[str, str, int]:
    return call.path, call.method, call.n
