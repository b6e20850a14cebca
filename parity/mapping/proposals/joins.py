"""Parameters that MLX keeps in one and PyTorch in several: projections one after the other, experts in a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from parity.mapping.layouts import Target, fused, rearranged
from parity.mapping.proposals.likeness import likeness
from parity.mapping.proposals.proposal import Family, Line

Arrays = Mapping[str, np.ndarray]
MOST = 4  # projections in one


@dataclass(frozen=True)
class Join:
    """Several of PyTorch's in one. used: their families. first: the one whose members name the others. words: how."""

    used: tuple[Family, ...]
    first: Family
    make: Callable[[str], Target]
    words: str
    likeness: float


def joined(mlx: list[Family], torch: list[Family], ours: Arrays, theirs: Arrays) -> list[Line]:
    """The families of MLX's that several of PyTorch's make, each of which is used once: the likeliest."""
    lines: list[Line] = []
    free = list(torch)
    for family in mlx:
        joins = (*stacks(family, free, ours, theirs), *runs(family, free, ours, theirs))
        if joins:
            best = max(joins, key=lambda join: join.likeness)
            lines.append(Line(family, best.first, best.make, best.words, ""))
            free = [other for other in free if other not in best.used]
    return lines


def runs(family: Family, torch: list[Family], ours: Arrays, theirs: Arrays) -> Iterator[Join]:
    """Neighbours in one module whose lengths along axis 0 add up to the family's."""
    wanted = ours[next(iter(family.members.values()))].shape
    for start in range(len(torch)):
        for stop in range(start + 2, min(start + MOST, len(torch)) + 1):
            some = torch[start:stop]
            owners = {(other.title.rsplit(".", 2)[0], other.title.rpartition(".")[2]) for other in some}
            if len(owners) > 1 or any(other.members.keys() != family.members.keys() for other in some):
                continue
            shapes = [theirs[next(iter(other.members.values()))].shape for other in some]
            alike = all(len(shape) == len(wanted) > 0 and shape[1:] == wanted[1:] for shape in shapes)
            if alike and sum(shape[0] for shape in shapes) == wanted[0]:
                near = max(likeness(family.title, other.title) for other in some)
                titles = tuple(other.title for other in some)
                yield Join(tuple(some), some[0], one_after_the_other(titles), "lengths add up", near)


def one_after_the_other(titles: tuple[str, ...]) -> Callable[[str], Target]:
    """name of a member of the first family -> the members of all of them with the same numbers, fused."""

    def make(name: str) -> Target:
        marked = zip(name.split("."), titles[0].split("."), strict=True)
        numbers = [part for part, mark in marked if mark == "#"]
        return fused(*(filled(title, numbers) for title in titles))

    return make


def filled(title: str, numbers: list[str]) -> str:
    """The title with these numbers for its marks."""
    left = iter(numbers)
    return ".".join(next(left) if part == "#" else part for part in title.split("."))


def stacks(family: Family, torch: list[Family], ours: Arrays, theirs: Arrays) -> Iterator[Join]:
    """A family of PyTorch's with one number more, the last, which counts what MLX's axis 0 does: experts."""
    shape = ours[next(iter(family.members.values()))].shape
    for other in torch:
        groups: dict[tuple[str, ...], list[str]] = {}
        for numbers, name in other.members.items():
            groups.setdefault(numbers[:-1], []).append(name)
        if groups.keys() != family.members.keys() or not shape or "#" not in other.title:
            continue
        if all(len(names) == shape[0] and theirs[names[0]].shape == shape[1:] for names in groups.values()):
            head, _, tail = other.title.rpartition("#")
            first = Family(f"{head}0{tail}", {numbers: names[0] for numbers, names in groups.items()})
            make = stacked(head.count("."), shape[0])
            yield Join((other,), first, make, f"a stack of {shape[0]}", likeness(family.title, other.title))


def stacked(at: int, count: int) -> Callable[[str], Target]:
    """name of the first -> all `count` of them, stacked; their number is the part `at` of the name."""

    def make(name: str) -> Target:
        parts = name.split(".")
        names = (".".join([*parts[:at], str(i), *parts[at + 1 :]]) for i in range(count))
        return rearranged(*names, function=lambda *x: np.stack(x), words="stacked")

    return make
