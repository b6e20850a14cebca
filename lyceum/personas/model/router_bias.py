"""Layers that choose, inside the whole model: how their router_biases are set, and how far their choices are from a tie.

The specification of a layer that chooses offers

    margin(p, x)             how far from a tie the nearest of its choices is: within rounding of one, two right
                             programs may choose differently, so the bridge compares them further off

Such a layer may hold parameters without gradient, its router_biases (`Plan.router_biases`): after a training step it sets them by
a rule of its own, from what that step's forward pass has shown it, and at evaluation they stand still. It then offers

    router_biases                 the names of these parameters
    updated_router_bias(p, x)            their values after a training step in which its input was x
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lyceum.personas.model.forward import hidden
from lyceum.personas.spec.names import below
from lyceum.personas.spec.plan import Plan

Arrays = dict[str, np.ndarray]


def margin(plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays) -> float:
    """The least margin of any layer on this batch; infinity if none chooses. Arguments as in `lyceum.personas.model.forward`."""
    layers = _offering("margin", plan, parameters, ids, noise)
    return min((spec.margin(p, x) for _, spec, p, x in layers), default=np.inf)


def updated_router_bias(plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays) -> Arrays:
    """The router_biases after a training step on this batch that began with `parameters`, by name."""
    return {
        f"{place}.{name}": value
        for place, spec, p, x in _offering("updated_router_bias", plan, parameters, ids, noise)
        for name, value in spec.updated_router_bias(p, x).items()
    }


def _offering(
    name: str, plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays
) -> Iterator[tuple[str, Any, Arrays, Any]]:
    """(prefix, specification, parameters, input) of every layer that offers `name`."""
    layers = [(place, spec) for place, spec in plan.layers() if hasattr(spec, name)]
    if not layers:
        return
    inputs: Arrays = {}
    hidden(plan, parameters, ids, noise, inputs)
    for place, spec in layers:
        yield place, spec, below(parameters, place), inputs[place]
