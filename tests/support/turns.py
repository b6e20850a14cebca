"""Which of many alike tests run by default: few of each sort, the others being slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parity.mutation.planted_faults import MUTANTS

FAULTS = list(dict.fromkeys(fault.name for fault, _ in MUTANTS))


def in_turn(names: list[str], first: str) -> list:
    """Names "backend: fault", each fault in one backend, by turns from `first`; those in the other backend are slow."""
    return marked(names, lambda name: (FAULTS.index(name.partition(": ")[2]) % 2 == 0) is name.startswith(first))


def thinned(parameters: list, count: int) -> list:
    """One in `count` of those that run by default; the others are slow."""
    default = [each for each in parameters if isinstance(each, str)]
    slow = {name for i, name in enumerate(default) if i % count}
    return [
        pytest.param(each, marks=pytest.mark.slow) if isinstance(each, str) and each in slow else each
        for each in parameters
    ]


def one_each(names: list, sort: Callable[[Any], object]) -> list:
    """The first name of each sort; the others are slow."""
    first = {sort(name): name for name in reversed(names)}
    return marked(names, lambda name: first[sort(name)] == name)


def every(count: int, names: list[str]) -> list:
    """One name in `count`; the others are slow."""
    return marked(names, lambda name: names.index(name) % count == 0)


def marked(names: list, by_default: Callable[[Any], bool]) -> list:
    """The names as parameters of a test, marked as slow unless they run by default."""
    return [name if by_default(name) else pytest.param(name, marks=pytest.mark.slow) for name in names]
