"""What does not fit between the parameters of two models: one sentence a problem, all problems at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import permutations

import numpy as np

from lyceum.contract import UsageError

Shape = tuple[int, ...]
SHOWN = 3  # problems in a message: a model with another prefix has hundreds, and they are all alike


class MismatchError(UsageError):
    """The parameters of two models do not fit. problems: all of them, one sentence each, without the full stop.

    proposal: names that may mend it, as text to be pasted.
    """

    def __init__(self, *problems: str, proposal: str = ""):
        self.problems, self.proposal = problems, proposal
        more = len(problems) - 1 if proposal else len(problems) - SHOWN
        if proposal:
            rest = f" (and {more} more like it)" if more else ""
            super().__init__(f"{problems[0]}{rest}. If these are right, say names=names, with\n{proposal}")
            return
        lines = [*problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
        heading = [f"{len(problems)} things about the parameters of the two models do not fit:"] * (len(problems) > 1)
        super().__init__("\n  ".join([*heading, *(f"{line}." for line in lines)]))


def nearest(name: str, known: Iterable[str]) -> str:
    """A remark on the known names most like this one, those with the same numbers first; empty if none is like it."""

    def numbers(of: str) -> list[str]:
        return re.findall(r"\d+", of)

    ordered = sorted(known)
    close = get_close_matches(name, [other for other in ordered if numbers(other) == numbers(name)] or ordered)
    return f" (nearest: {', '.join(close)})" if close else ""


def remedy(target: object, got: Shape, wanted: Shape) -> str:
    """What the user may have meant, as a remark: the layout by which the shape `got` of `target` becomes `wanted`."""
    n = len(got)
    if n == len(wanted) and n > 1:
        channels_last = (0, *range(2, n), 1)  # the likeliest, where equal lengths leave a choice
        for axes in (channels_last, *permutations(range(n))):
            if tuple(got[i] for i in axes) == wanted:
                swap = axes == (*range(n - 2), n - 1, n - 2)
                layout = f"transposed({target})" if swap else f"permuted({target}, {axes})"
                return f"; if it lies there in another order, say {layout}"
    if np.prod(got) == np.prod(wanted):
        return f"; if only the shape differs, say rearranged({target}, function=..., words='reshaped') with a reshape"
    return ""


def misused(shapes: Mapping[str, Shape], uses: Iterable[tuple[str, str, np.ndarray, bool]]) -> Iterator[str]:
    """A sentence for each PyTorch parameter some of whose entries are used by nobody, or more than once by mistake.

    shapes: of the parameters to check. uses: (MLX name, PyTorch name, how often each entry is used, whether tied).
    """
    users: dict[str, list[str]] = {leaf: [] for leaf in shapes}
    times = {leaf: np.zeros(shape) for leaf, shape in shapes.items()}
    untied = {leaf: np.zeros(shape) for leaf, shape in shapes.items()}
    for name, leaf, count, tied in uses:
        if leaf in shapes:
            users[leaf].append(name)
            times[leaf] += count
            untied[leaf] += 0 if tied else count
    for leaf, shape in shapes.items():
        who = " and ".join(users[leaf])
        unused, twice = times[leaf] == 0, untied[leaf] > 1
        if not who:
            yield f"PyTorch's {leaf} {shape} is used by no parameter of MLX: say which one is made of it"
        elif unused.any():
            which = f"{unused.sum()} of its {unused.size} entries, {leaf}{box(unused)}, are used by nobody"
            yield f"PyTorch's {leaf} {shape} is used only in part, by {who}: {which}"
        if twice.any():
            where = "" if twice.all() else f" (in {leaf}{box(twice)})"
            yield f"PyTorch's {leaf} is used more than once{where}, by {who}: if the weights are tied, say tied({leaf})"


def box(mask: np.ndarray) -> str:
    """The smallest box that holds what is true, as an index: "[2:4, 0:2]". mask: bool, not all False."""
    return f"[{', '.join(f'{axis.min()}:{axis.max() + 1}' for axis in np.nonzero(mask))}]"
