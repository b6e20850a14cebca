"""Items by a key, and cases by their layer: a case is called "norm: typical", its layer "norm"."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable


def grouped(items: Iterable, key: Callable[..., Hashable]) -> dict[Hashable, list]:
    """{key of an item: the items that have it}, both in order of appearance."""
    groups = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def layer_of(case: str) -> str:
    """The layer in a case's name."""
    return case.partition(":")[0]


def title_of(case: str) -> str:
    """A case's name without its layer."""
    return case.partition(":")[2].strip() or case
