"""Rooms that choose, inside the whole model: how their balances are set, and how far their choices are from a tie.

The specification of a room that chooses offers

    margin(p, x)             how far from a tie the nearest of its choices is: within rounding of one, two right
                             programs may choose differently, so the bridge compares them further off

Such a room may hold parameters without gradient, its balances (`Plan.balances`): after a training step it sets them by
a rule of its own, from what that step's forward pass has shown it, and at evaluation they stand still. It then offers

    balances                 the names of these parameters
    settled(p, x)            their values after a training step in which its input was x
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from personas.model import hidden
from personas.names import below
from personas.plan import Plan

Arrays = dict[str, np.ndarray]


def margin(plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays) -> float:
    """The least margin of any room on this batch; infinity if none chooses. Arguments as in `personas.model`."""
    rooms = _offering("margin", plan, parameters, ids, noise)
    return min((spec.margin(p, x) for _, spec, p, x in rooms), default=np.inf)


def settled(plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays) -> Arrays:
    """The balances after a training step on this batch that began with `parameters`, by name."""
    return {
        f"{place}.{name}": value
        for place, spec, p, x in _offering("settled", plan, parameters, ids, noise)
        for name, value in spec.settled(p, x).items()
    }


def _offering(
    name: str, plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays
) -> Iterator[tuple[str, Any, Arrays, Any]]:
    """(prefix, specification, parameters, input) of every room that offers `name`."""
    rooms = [(place, spec) for place, spec in plan.places() if hasattr(spec, name)]
    if not rooms:
        return
    inputs: Arrays = {}
    hidden(plan, parameters, ids, noise, inputs)
    for place, spec in rooms:
        yield place, spec, below(parameters, place), inputs[place]
