"""Positions that begin as a given rotation: mirrors and angles of E5 (`lyceum.personas.euclid.rope`), written.

The rotation is that of rotary positions as published, which turn neighbouring coordinates; so weights of a model with
such positions can be taken over as they are. E5 draws mirrors in equal pairs, which make Q = 1 and so the layout
(i, i + w/2); from there some turns of the planes cannot be reached to first order, from here all can
(`lyceum.personas.euclid.circuit.mirrors`). At the contract's width, 8, Q takes all eight mirrors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.euclid.circuit.mirrors import planes, reflections, rotary
from lyceum.personas.euclid.rope import Mirrors
from lyceum.personas.spec.skeleton import Skeleton

Arrays = dict[str, np.ndarray]


def written(spec: Mirrors, rotation: np.ndarray, drawn: np.ndarray) -> Arrays:
    """ "mirrors" and "angles" of E5 that turn every head by `rotation` (w, w) from one position to the next.

    drawn: mirrors in equal pairs; those that the rotation does not need remain, an even number.
    """
    frame, angles = planes(rotation)
    rows, mirrors = reflections(frame), drawn.reshape(spec.n_head, spec.n_mirror, spec.width).copy()
    mirrors[:, : len(rows)] = rows
    return {"mirrors": mirrors.ravel(), "angles": np.tile(angles, spec.n_head)}


@dataclass(frozen=True)
class WrittenMirrors:
    """The positions turn by `rotary` from the start; the angles have E5's base."""

    def __call__(self, skeleton: Skeleton, values: Arrays) -> Arrays:
        """The drawn initial values -> all initial values, float32."""
        layer, spec = skeleton.position.name, skeleton.position.spec
        changed = written(spec, rotary(spec.width, spec.base), values[f"{layer}.mirrors"])
        return values | {f"{layer}.{name}": np.asarray(x, np.float32) for name, x in changed.items()}
