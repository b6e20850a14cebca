"""Which of many alike tests run by default: few of each sort, the others being slow."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parity.mutation.planted_faults import MUTANTS

FAULTS = list(dict.fromkeys(fault.name for fault, _ in MUTANTS))


def in_turn(names: list[str], first: str) -> list:
    """Names "backend: fault", each fault in one backend, by turns from `first`; those in the other backend are slow."""
    return marked(names, lambda name: (FAULTS.index(name.partition(": ")[2]) % 2 == 0) is name.startswith(first))


def one_each(names: list[str], sort: Callable[[str], object]) -> list:
    """The first name of each sort; the others are slow."""
    first = {sort(name): name for name in reversed(names)}
    return marked(names, lambda name: first[sort(name)] == name)


def every(count: int, names: list[str]) -> list:
    """One name in `count`; the others are slow."""
    return marked(names, lambda name: names.index(name) % count == 0)


def marked(names: list[str], by_default: Callable[[str], bool]) -> list:
    """The names as parameters of a test, marked as slow unless they run by default."""
    return [name if by_default(name) else pytest.param(name, marks=pytest.mark.slow) for name in names]
