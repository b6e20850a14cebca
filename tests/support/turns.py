"""Planted faults in one backend each, the backends by turns."""

from __future__ import annotations

import pytest

from parity.mutation.planted_faults import MUTANTS

FAULTS = list(dict.fromkeys(fault.name for fault, _ in MUTANTS))


def in_turn(names: list[str], first: str) -> list:
    """Names "backend: fault", each fault in one backend, by turns from `first`; those in the other backend are slow."""
    marked = []
    for name in names:
        backend, _, fault = name.partition(": ")
        its_turn = (FAULTS.index(fault) % 2 == 0) is (backend == first)
        marked.append(name if its_turn else pytest.param(name, marks=pytest.mark.slow))
    return marked
