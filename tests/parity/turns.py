"""Planted faults in one wing each, the wings by turns."""

from __future__ import annotations

import pytest

from parity.mutants import MUTANTS

FAULTS = list(dict.fromkeys(fault.name for fault, _ in MUTANTS))


def in_turn(names: list[str], first: str) -> list:
    """Of "wing: fault" those of every fault's own wing, the first fault's being `first`; the others are slow."""
    marked = []
    for name in names:
        wing, _, fault = name.partition(": ")
        own = (FAULTS.index(fault) % 2 == 0) is (wing == first)
        marked.append(name if own else pytest.param(name, marks=pytest.mark.slow))
    return marked
