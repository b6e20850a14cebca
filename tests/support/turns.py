"""Planted faults in one backend each, the backends by turns."""

from __future__ import annotations

import pytest

from parity.mutation import MUTANTS

FAULTS = list(dict.fromkeys(fault.name for fault, _ in MUTANTS))


def in_turn(names: list[str], first: str) -> list:
    """Of "backend: fault" those of every fault's own backend, the first fault's being `first`; the others are slow."""
    marked = []
    for name in names:
        backend, _, fault = name.partition(": ")
        own = (FAULTS.index(fault) % 2 == 0) is (backend == first)
        marked.append(name if own else pytest.param(name, marks=pytest.mark.slow))
    return marked
