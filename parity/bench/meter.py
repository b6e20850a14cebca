"""What a computation costs: its peak memory, and how long it takes.

`peak` counts the bytes a framework allocates while `run()` runs and has not yet freed, at their greatest, the result
included and what was there before left out. (Memory of before that the run frees lowers MLX's and CUDA's figure, not
that of PyTorch's CPU.)

    PyTorch, CPU    every block asked of its allocator, also inside operators and compiled graphs; read from the events
                    of PyTorch's profiler. Not: scratch space that libraries (MKL, oneDNN) ask of the system themselves.
    PyTorch, CUDA   the same by the allocator's counters; not what the CUDA libraries keep for themselves.
    PyTorch, MPS    there is no such counter: by how much the driver's pool grew, which was emptied before. It grows in
                    large pieces, so this is an upper estimate, and 0 for what fits into the pieces in use.
    MLX             its allocator's counters, without its cache of freed blocks. Where a graph is evaluated at once, MLX
                    allocates results when it schedules operators, ahead of the computation, and frees an intermediate
                    when its last reader is done. So the figure depends on how far ahead it got: 20 products in a chain,
                    of which two are needed at a time, occupy 20 on the CPU if they are 64x64 and 12 to 20 if they are
                    8x8. The figure is what was allocated, not what was needed.

`seconds` lets the computations take turns (`lyceum.bench.alternate`), since the speed of machines drifts.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import mlx.core as mx
import numpy as np
import torch
from torch._C._profiler import _EventType

from lyceum.bench.alternate import alternate

Run = Callable[[], Any]

# Each use of the profiler would announce itself on stderr; it reads this when it is first used.
os.environ.setdefault("KINETO_LOG_LEVEL", "6")


def peak(backend: str, run: Run, device: str = "cpu") -> int:
    """The peak of the bytes that `run()` allocates, see the module. KeyError for an unknown device.

    backend: "torch" or "mlx". device: of PyTorch, "cpu", "cuda" or "mps"; MLX has one allocator for all of its devices.
    run: an MLX result is evaluated here, if it is not.
    """
    gc.collect()  # else garbage of earlier runs might be freed in this one
    return _mlx(run) if backend == "mlx" else {"cpu": _cpu, "cuda": _cuda, "mps": _mps}[device](run)


def seconds(runs: dict[str, Run], repeats: int, clock: Callable[[], float] = perf_counter) -> dict[str, float]:
    """The median seconds of each run over `repeats` rounds, taken in turns after a warm-up.

    runs: name -> a computation that goes on until its result is there, waiting for the device.
    """
    candidates = {name: lambda _, run=run: run() for name, run in runs.items()}
    return {name: float(np.median(taken)) for name, taken in alternate(candidates, repeats, 1, clock).items()}


def _mlx(run: Run) -> int:
    mx.synchronize()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    result = run()
    mx.eval(result)
    mx.synchronize()
    # The counter starts from 0, not from what is active, and stays there if nothing is allocated.
    return max(mx.get_peak_memory() - before, 0)


def _cpu(run: Run) -> int:
    with torch.autograd.profiler.profile(profile_memory=True) as profiler:
        result = run()
    del result
    events = sorted(_allocations(profiler.kineto_results.experimental_event_tree()), key=lambda x: x.start_time_ns)
    sizes: dict[int, int] = {}
    now = most = 0
    for event in events:
        size, address = event.typed[1].alloc_size, event.typed[1].ptr
        if size > 0:
            sizes[address] = size
        now += size if size > 0 else -sizes.pop(address, 0)
        most = max(most, now)
    return most


def _allocations(events: list) -> Iterator[Any]:
    """The allocations and releases in a tree of the profiler's events."""
    for event in events:
        if event.tag == _EventType.Allocation:
            yield event
        yield from _allocations(event.children)


def _cuda(run: Run) -> int:
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    result = run()
    torch.cuda.synchronize()
    del result
    return torch.cuda.max_memory_allocated() - before


def _mps(run: Run) -> int:
    torch.mps.synchronize()
    torch.mps.empty_cache()
    before = torch.mps.driver_allocated_memory()
    result = run()
    torch.mps.synchronize()
    grown = torch.mps.driver_allocated_memory() - before
    del result
    return grown
