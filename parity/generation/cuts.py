"""The ways in which a text is given to a model with a cache: at once, and cut into parts along axis 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, groupby, pairwise
from typing import Any

import torch

from lyceum.contract import UsageError
from parity.generation.cached import Cached, flat, joined

AT_ONCE = "at once"


def ways_of(library: Cached, given: tuple, cuts: Sequence[Sequence[int]] | None) -> dict[str, Callable]:
    """What is computed, by title: first the text at once, then every cut. Raises UsageError for a cut that misfits."""
    text = given[0] if given else None
    if not hasattr(text, "shape") or text.ndim < 2 or text.shape[1] < 4:
        shape = getattr(text, "shape", None)
        raise UsageError(f"the text has the shape {shape}: give (B, T) ids or (B, T, ...) features, T at least 4.")
    length = text.shape[1]
    half, rest = length // 2, length - length // 2
    cuts = [(1,) * length, (half, *(1,) * rest), (half, rest)] if cuts is None else cuts
    for cut in cuts:
        if sum(cut) != length or min(cut) < 1:
            raise UsageError(f"the parts {tuple(cut)} do not add up to the {length} positions of the text.")
    ways = {AT_ONCE: lambda model, *x: flat(library.at_once(model, *x))}
    ways |= {title(cut): in_parts(library, cut) for cut in cuts}
    return ways | {f"{title(cuts[0])}, after another text": in_parts(library, cuts[0], after_another=True)}


def title(cut: Sequence[int]) -> str:
    """(4, 1, 1, 1) is "4 + 3 x 1"."""
    runs = [(size, len(list(run))) for size, run in groupby(cut)]
    return "in parts of " + " + ".join(f"{count} x {size}" if count > 1 else str(size) for size, count in runs)


def in_parts(library: Cached, cut: Sequence[int], after_another: bool = False) -> Callable:
    """The function of (model, x, *others) that gives the model its text in parts."""
    bounds = list(pairwise(accumulate(cut, initial=0)))

    def decode(model: Any, x: Any, *rest: Any) -> dict[str, Any]:
        cache, outputs = library.start(model), []
        for begin, end in bounds:
            y, cache = library.step(model, x[:, begin:end], cache, *rest)
            outputs.append(flat(y))
        return {name: joined([part[name] for part in outputs]) for name in outputs[0]}

    def decode_twice(model: Any, x: Any, *rest: Any) -> dict[str, Any]:
        decode(model, x.flip(1) if isinstance(x, torch.Tensor) else x[:, ::-1], *rest)
        return decode(model, x, *rest)

    return decode_twice if after_another else decode
