"""True float64 in both frameworks, for building a pair, and whether PyTorch code needs the exact mode at all.

PyTorch's exact mode intercepts every operation and makes short ones several times slower. Only code that asks for a
lower precision by itself needs it; whether a computation does is seen by watching it once (`casts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from parity.float64.mlx_mode import exact
from parity.float64.torch_mode import WIDE, exact_torch


@contextmanager
def in_float64() -> Iterator[None]:
    """Build and compute in true float64 in both frameworks; see `mlx_mode` and `torch_mode`."""
    with exact(), exact_torch():
        yield


def casts(compute: Callable[[], object]) -> bool:
    """Whether `compute`, in PyTorch, makes a tensor of a lower precision than float64 inside."""
    with _Watch() as watch:
        compute()
    return watch.narrow


class _Watch(TorchDispatchMode):
    narrow = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        outcome = func(*args, **(kwargs or {}))
        self.narrow |= any(isinstance(x, torch.Tensor) and x.dtype in WIDE for x in tree_leaves(outcome))
        return outcome
