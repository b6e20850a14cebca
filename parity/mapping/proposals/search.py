"""Names proposed: which parameter of MLX's may be made of which of PyTorch's, from shapes, paths and values.

Parameters of equal names and shapes need no rule. The others are taken layer by layer: layers.0.wq.weight to
layers.11.wq.weight are one *family*, layers.#.wq.weight, and so are h.0.q.weight to h.11.q.weight. A family of the one
framework may be made of one of the other if a layout fits every member. How well is the sum of three evidences:

    values    the same numbers, where both hold loaded weights
    path      the words of the names (`likeness`)
    order     the order in which both modules declare their parameters

and of all ways to pair families that of the greatest sum is proposed (a linear assignment). What is left is tried
parameter by parameter, then as several joined in one, then as tied. A proposal is for the reader to confirm: it is
printed ready to paste, each line with its evidence and with the alternative if another fits nearly as well, and nothing
uses it unless it is passed as `names`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy.optimize import linear_sum_assignment

from parity.mapping.layouts import arranged, leaves, tied
from parity.mapping.proposals.fits import Fit, fits
from parity.mapping.proposals.joins import joined
from parity.mapping.proposals.likeness import likeness, words
from parity.mapping.proposals.proposal import Family, Line, Proposal, families

Arrays = Mapping[str, np.ndarray]
VALUES, ORDER, LATER = 10.0, 0.05, 0.02  # what equal numbers, the same order and a less likely layout weigh
DOUBT, ALIKE = 0.1, 0.3  # how near an alternative is in doubt; from which likeness on a path is evidence
NEAR = 2.0**-7  # relative: weights may have been saved in half precision


@dataclass(frozen=True)
class Option:
    """One way to make a family: of which family of PyTorch's, by which layout, how well it fits. axes: their number."""

    torch: Family
    fit: Fit
    score: float
    same_values: bool
    axes: int

    @property
    def open(self) -> bool:
        """Whether shapes alone leave its layout open: of a square matrix they do, but it is hardly ever transposed."""
        return self.fit.part is not None or self.axes > 2

    @property
    def column(self) -> tuple:
        """What can be used only once: a parameter, or one part of it."""
        return self.torch.title, self.fit.part


def propose(
    mlx: Arrays, torch: Arrays, buffers: Arrays | None = None, duplicates: Mapping[str, str] | None = None
) -> Proposal:
    """A proposal for `match`. duplicates: PyTorch's further names of tied parameters, {name: the name in `torch`}."""
    known = {**torch, **(buffers or {})}
    fixed = {name for name, x in mlx.items() if name in known and plain(x, known[name])}
    left = [name for name in mlx if name not in fixed]
    free = [name for name in known if name not in fixed]
    lines: list[Line] = []
    for by_layer in (True, False):
        lines += assigned(families(left, by_layer), families(free, by_layer), mlx, known)
        left, free = remaining(left, free, lines)
        lines += joined(families(left, by_layer), families(free, by_layer), mlx, known)
        left, free = remaining(left, free, lines)
    lines += list(ties(left, mlx, torch, duplicates or {}))
    left, free = remaining(left, free, lines)
    return Proposal(lines, left, [name for name in free if name in torch])


def plain(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether a parameter of the same name needs no rule: one shape, and no convolution whose axes that leaves open."""
    return x.shape == y.shape and (same_values(x, y) or next(fits(x.shape, y.shape)).words == "as it is")


def remaining(left: list[str], free: list[str], lines: Sequence[Line]) -> tuple[list[str], list[str]]:
    """What the lines do not make, and what they do not use."""
    targets = {name: target for line in lines for name, target in line.members.items()}
    used = {leaf for target in targets.values() for leaf in leaves(target)}
    return [name for name in left if name not in targets], [name for name in free if name not in used]


def assigned(mlx: list[Family], torch: list[Family], ours: Arrays, theirs: Arrays) -> list[Line]:
    """The pairing of families of the greatest score."""
    options = [list(ways(family, i / len(mlx), torch, ours, theirs)) for i, family in enumerate(mlx)]
    columns = list(dict.fromkeys(option.column for row in options for option in row))
    if not columns:
        return []
    best = [{} for _ in mlx]
    for row, some in zip(best, options, strict=True):
        for option in some:
            row.setdefault(option.column, option)
            if option.score > row[option.column].score:
                row[option.column] = option
    impossible = -1e3
    scores = np.array([[row[c].score if c in row else impossible for c in columns] for row in best])
    pairs = [(i, j) for i, j in zip(*linear_sum_assignment(scores, maximize=True), strict=True) if scores[i, j] > -1.0]
    lines = []
    for i, j in pairs:
        option = best[i][columns[j]]
        layouts = (o.fit.words for o in options[i] if o.column == columns[j] and o.open and o.fit != option.fit)
        doubt = "" if option.same_values else next(chain(alternatives(i, j, pairs, scores, columns), layouts), "")
        lines.append(Line(mlx[i], option.torch, option.fit.make, evidence(mlx[i], option), doubt))
    return lines


def ways(family: Family, position: float, torch: list[Family], ours: Arrays, theirs: Arrays) -> Iterator[Option]:
    """Every way to make a family. position: among MLX's, from 0 to 1."""
    for j, other in enumerate(torch):
        if other.members.keys() != family.members.keys():
            continue
        shapes = [(ours[name].shape, theirs[other.members[n]].shape) for n, name in family.members.items()]
        everywhere = set.intersection(*({fit.words for fit in fits(*pair)} for pair in shapes))
        path = likeness(family.title, other.title)
        for k, fit in enumerate(fit for fit in fits(*shapes[0]) if fit.words in everywhere):
            n, name = next(iter(family.members.items()))
            same = same_values(ours[name], arranged(fit.make(other.members[n]), theirs))
            index, of = fit.part or (0, 1)
            near = 1 - (position - (j + index / of) / len(torch)) ** 2
            yield Option(
                other, fit, path + ORDER * near - LATER * (0 if fit.part else k) + VALUES * same, same, ours[name].ndim
            )


def same_values(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether two arrays hold the same numbers, and not one number throughout, as fresh parameters do."""
    if x.size < 2 or np.ptp(x) == 0:
        return False
    greatest = NEAR * float(np.abs(x).max())
    few = np.abs(x.flat[:64] - y.flat[:64]).max() <= greatest  # most differ there already
    return bool(few and np.abs(x - y).max() <= greatest)


def alternatives(
    i: int, j: int, pairs: list[tuple[int, int]], scores: np.ndarray, columns: list[tuple]
) -> Iterator[str]:
    """What else a row may be made of: columns for which another pairing loses hardly anything."""
    owner = {column: row for row, column in pairs}
    for other, (title, _) in enumerate(columns):
        if other == j or title == columns[j][0]:
            continue
        swapped = scores[i, other] + (scores[owner[other], j] if other in owner else 0.0)
        chosen = scores[i, j] + (scores[owner[other], other] if other in owner else 0.0)
        if swapped >= chosen - DOUBT:
            yield title


def evidence(family: Family, option: Option) -> str:
    """Why, in words."""
    if option.same_values:
        return "same values"
    return "path and shape" if likeness(family.title, option.torch.title) >= ALIKE else "shape alone"


def ties(left: list[str], mlx: Arrays, torch: Arrays, duplicates: Mapping[str, str]) -> Iterator[Line]:
    """Parameters that MLX keeps twice: PyTorch has the same array under two names, or a head is an embedding."""
    for name in left:
        twice = [(other, first) for other, first in duplicates.items() if torch[first].shape == mlx[name].shape]
        likely = max(twice, key=lambda pair: likeness(name, pair[0]), default=None)
        if likely and likeness(name, likely[0]) >= ALIKE:
            yield Line(*_alone(name, likely[1]), tied, f"PyTorch ties it, as {likely[0]}", "")
        elif "head" in words(name):
            tables = [t for t, x in torch.items() if "embedding" in words(t) and x.shape == mlx[name].shape]
            for table in tables[:1]:
                yield Line(*_alone(name, table), tied, "shape alone: a head like its embedding", "")


def _alone(name: str, other: str) -> tuple[Family, Family]:
    return Family(name, {(): name}), Family(other, {(): other})
