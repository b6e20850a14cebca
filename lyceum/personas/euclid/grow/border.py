"""The border of a matrix, and of every layer that can have one: which rows and columns are new, and which write.

    B(old, drawn)[i, j] = old[i', j']   if row i and column j are old, the i'-th and j'-th of those
                          0             else, if row i (for an embedding, column j) is new and writes a coordinate
                          drawn[i, j]   else

An axis is cut into parts, such as the rows of queries, of keys and of values; each part grows at its end.

Theorems, bit for bit. (within) At the old rows and columns B is `old`. (silent) Rows that write a new coordinate are 0.

Cost. One copy of the matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lyceum.personas.baseline.attention import Attention
from lyceum.personas.euclid.norm import ChordPerceptron, SphereNorm
from lyceum.personas.euclid.rope import Mirrors
from lyceum.personas.euclid.ssm import RigidMotion
from lyceum.personas.euclid.tokenize import Division
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.errors import PersonaError

Axes = tuple[tuple[int, ...], ...]  # the sizes of the parts of every axis


@dataclass(frozen=True)
class Border:
    """old, new: the sizes of the parts of every axis, before and after. writes: (axis, part), new entries of 0."""

    old: Axes
    new: Axes
    writes: tuple[int, int] | None = None

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{}: a border has no parameters."""
        return {}

    def sources(self) -> list[np.ndarray]:
        """For each axis the old index of every new one, -1 where there is none."""
        return [
            np.concatenate([np.where(np.arange(n) < m, np.arange(n) + first, -1) for m, n, first in parts])
            for parts in (_begun(old, new) for old, new in zip(self.old, self.new, strict=True))
        ]

    def written(self) -> tuple[int, slice]:
        """(axis, its new entries that are 0); none of axis 0 if nothing is."""
        if self.writes is None:
            return 0, slice(0, 0)
        axis, part = self.writes
        first = sum(self.new[axis][:part])
        return axis, slice(first + self.old[axis][part], first + self.new[axis][part])

    def __call__(self, p: dict[str, np.ndarray], old: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """The old array and one of the new shape -> the latter with the former in it."""
        value, (axis, entries) = np.array(drawn), self.written()
        if value.ndim:
            value.swapaxes(0, axis)[entries] = 0
        value[np.ix_(*(np.flatnonzero(source >= 0) for source in self.sources()))] = old
        return value


def _begun(old: tuple[int, ...], new: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """(size before, size after, first index before) of every part."""
    return list(zip(old, new, np.cumsum((0, *old[:-1])).tolist(), strict=True))


# The sizes of the parts of every parameter's axes, by the class of the layer.
AXES: dict[type, Callable[[Any], dict[str, Axes]]] = {
    Division: lambda spec: dict.fromkeys(("embedding", "head"), ((sum(spec.sizes),), (spec.n_embd,))),
    Mirrors: lambda spec: {
        "mirrors": ((spec.n_head * spec.n_mirror * spec.width,),),
        "angles": ((spec.n_head * spec.width // 2,),),
        "gain": ((spec.n_head * spec.width,),),
    },
    SphereNorm: lambda spec: {"radius": ()},
    ChordPerceptron: lambda spec: {
        "up.weight": ((spec.hidden, spec.hidden), (spec.n_embd,)),
        "down.weight": ((spec.n_embd,), (spec.hidden,)),
    },
    Attention: lambda spec: {
        "qkv.weight": ((spec.n_embd,) * 3, (spec.n_embd,)),
        "out.weight": ((spec.n_embd,), (spec.n_embd,)),
    },
    RigidMotion: lambda spec: {
        "motion.weight": (spec.widths, (spec.n_embd,)),
        "pace": ((spec.n_head,),),
        "turn": ((spec.n_head * spec.n_plane,),),
        "skip": ((spec.n_embd,),),
        "out.weight": ((spec.n_embd,), (spec.n_embd,)),
    },
}
# (axis, part) of a parameter that writes: a coordinate of the stream, of a head, or of the hidden layer.
WRITES = {"embedding": (1, 0), "up.weight": (0, 1), "down.weight": (0, 0), "qkv.weight": (0, 2), "out.weight": (0, 0)}
WRITES |= {"motion.weight": (0, 0)}
HALVED = ("n_embd", "n_head", "hidden")


def halved(name: str, spec: Any) -> Any:
    """A layer with half the coordinates and half the heads, each as wide as before. Raises PersonaError if it has none.

    name: the module's, for the sentence. spec: the layer, or a tuple of those that the blocks take in turn.
    """
    if isinstance(spec, tuple):
        return tuple(halved(name, each) for each in spec)
    if type(spec) not in AXES:
        raise PersonaError(f"'grow' knows no border of the {name} {type(spec).__name__}: switch one of the two off.")
    return replace(spec, **{field: getattr(spec, field) // 2 for field in HALVED if hasattr(spec, field)})


def borders(narrow: Any, wide: Any) -> dict[str, Border]:
    """{parameter: its border} from a narrow layer to the wide one."""
    before, after = (AXES[type(spec)](spec) for spec in (narrow, wide))
    return {name: Border(before[name], after[name], WRITES.get(name)) for name in before}


ROWS = Border(((3,), (4,)), ((5,), (7,)), (0, 0))
PARTS = Border(((2, 1, 3), (4,)), ((4, 1, 5), (6,)), (0, 2))
COLUMNS = Border(((5,), (3,)), ((5,), (6,)), (1, 0))
VECTOR, NUMBER = Border(((2, 3),), ((4, 3),)), Border((), ())


def _shapes(spec: Border) -> list[tuple[int, ...]]:
    return [tuple(map(sum, axes)) for axes in (spec.old, spec.new)]


def _arrays(spec: Border):
    return lambda g: tuple(g.normal(size=shape) for shape in _shapes(spec))


CASES = (
    Case("gnomon: rows that write", ROWS, _arrays(ROWS), batched=False),
    Case("gnomon: parts", PARTS, _arrays(PARTS), batched=False),
    Case("gnomon: columns that write", COLUMNS, _arrays(COLUMNS), batched=False),
    Case("gnomon: a vector", VECTOR, _arrays(VECTOR), batched=False),
    Case("gnomon: a number", NUMBER, _arrays(NUMBER), batched=False),
)


def _within(evaluate, g):
    old, drawn = (representable(x) for x in _arrays(PARTS)(g))
    new = evaluate(PARTS, {}, "__call__", old, drawn)
    return new[np.ix_([0, 1, 4, 5, 6, 7], range(4))], old


def _silent(evaluate, g):
    old, drawn = (representable(x) for x in _arrays(PARTS)(g))
    return evaluate(PARTS, {}, "__call__", old, drawn)[8:], np.zeros((2, 6))


THEOREMS = (
    Theorem("gnomon: within", "without its border a matrix is the old one, bit for bit", _within, length=0, exact=True),
    Theorem("gnomon: silent", "rows that write a new coordinate are 0", _silent, length=0, exact=True),
)
