"""A module as it is borrowed: a copy that shares the weights and owns the rest, so that nothing given is changed.

A module may write while it computes: running statistics, counters, caches, the vectors of a power iteration, a weight
that is made anew from two others. All of it is written into the copy. Where it lies in arrays that are no parameters of
the framework's, every call gets another copy, so that each begins with the state that the module was given in.

What cannot be copied (a lock, an open file) is borrowed as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import mlx.core as mx

from parity.sides.trees import from_torch

LEAVES = (str, bytes, int, float, complex, type, type(None), mx.Dtype)


def borrowed(module: Any, shared: Iterable[Any]) -> Any:
    """A copy of a module, with its hooks and all that it holds; the arrays `shared` are those of the original."""
    memo = {id(x): x for x in shared}
    # PyTorch refuses to copy a tensor that was computed from parameters.
    owned = {id(x): x.detach().clone() for x in arrays_of(module, memo) if from_torch(x, "Tensor")}
    try:
        return copy.deepcopy(module, memo | owned)
    except Exception:  # whatever a foreign class may raise
        return module


def arrays_of(module: Any, besides: Iterable[int]) -> Iterator[Any]:
    """Every array that a module holds, however deep, but those of these identities."""
    seen, left = set(besides), [module]
    while left:
        one = left.pop()
        if isinstance(one, LEAVES) or id(one) in seen or from_torch(one, "dtype") or from_torch(one, "device"):
            continue
        seen.add(id(one))
        if isinstance(one, mx.array) or from_torch(one, "Tensor"):
            yield one
            continue
        if isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, list | tuple | set):
            left.extend(one)
        left.extend(getattr(one, "__dict__", {}).values())
