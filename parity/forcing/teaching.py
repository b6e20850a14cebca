"""Teaching: both models run once, and every call of MLX's is given the call of PyTorch's that it will be held to.

PyTorch is the teacher: what its submodules are given is what both will be given. Where it hands a submodule something
that MLX computes inside, it runs once more for each sample of random rounding, see `partners`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from parity.forcing.calls import ROOT, Call, recording
from parity.forcing.partners import Partners, partners
from parity.forcing.paths import Modules, renamed
from parity.legs import Leg
from parity.pair import Pair
from parity.problem import Problem
from parity.rounding import SAMPLES, UNIT, RandomRounding

Calls = dict[tuple[str, str, int], Call]  # by path, method and number


@dataclass(frozen=True)
class Lesson:
    """calls: in the order in which MLX's ended, without the root's. unpaired: what was called in one model alone."""

    calls: tuple[Partners, ...]
    unpaired: tuple[str, ...]


def lesson(pair: Pair, problem: Problem, modules: Modules | None = None) -> Lesson:
    """Both models run once in float64, every call recorded and paired. Raises UsageError for a slip in `modules`."""
    paths = renamed(pair.mlx.module, pair.torch.called.module, pair.names, modules)
    with recording(pair.mlx.module) as ours:
        pair.probe(Leg("mlx", "float64"), "value", problem)
    theirs = taught(pair, problem)
    keys = {key(call): (paths.get(call.path), call.method, call.n) for call in ours}
    found = [partners(call, theirs[keys[key(call)]]) for call in ours if keys[key(call)] in theirs]
    alone = [f"MLX's {call.place}" for call in ours if keys[key(call)] not in theirs and call.place != ROOT.place]
    taken = set(keys.values())
    alone += [f"PyTorch's {call.place}" for k, call in theirs.items() if k not in taken and call.place != ROOT.place]
    if any(each.handed for each in found):
        found = sampled(found, pair, problem)
    calls = (each for each in found if each.mlx.place != ROOT.place)
    return Lesson(tuple(calls), tuple(dict.fromkeys(alone)))


def sampled(found: list[Partners], pair: Pair, problem: Problem) -> list[Partners]:
    """The same with PyTorch's calls under random rounding."""
    samples = []
    for seed in range(SAMPLES):
        with RandomRounding(UNIT["float32"], seed):
            samples.append(taught(pair, problem))
    return [replace(each, samples=tuple(calls[key(each.torch)] for calls in samples)) for each in found]


def taught(pair: Pair, problem: Problem) -> Calls:
    """PyTorch's calls in float64, in order."""
    with recording(pair.torch.called.module) as found:
        pair.torch.tensors(("value",), problem)
    return {key(call): call for call in found}


def key(call: Call) -> tuple[str, str, int]:
    return call.path, call.method, call.n
