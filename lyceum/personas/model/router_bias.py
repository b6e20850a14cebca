"""Layers with a router, inside the whole model: how router biases are updated, and how far choices are from a tie.

The reference of a layer that makes choices offers

    margin(p, x)                how far from a tie the nearest of its choices is: within rounding of a tie, two correct
                                programs may choose differently, so the parity harness compares them further away

Such a layer may have parameters without gradient, its router biases (`Plan.router_biases`): after a training step a
rule of the layer updates them, from the input of that step's forward pass; evaluation leaves them unchanged. It then
offers

    router_biases               the names of these parameters
    updated_router_bias(p, x)   their values after a training step in which its input was x
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lyceum.personas.model.forward import inputs
from lyceum.personas.spec.names import below
from lyceum.personas.spec.plan import Plan
from lyceum.personas.spec.skeleton import Layer

Arrays = dict[str, np.ndarray]


def margin(plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays) -> float:
    """The least margin of any layer on this batch; infinity if none makes choices.

    Arguments as in `lyceum.personas.model.forward.hidden`.
    """
    layers = _offering("margin", plan, parameters, ids, noise)
    return min((layer.spec.margin(p, x) for layer, p, x in layers), default=np.inf)


def updated_router_bias(plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays) -> Arrays:
    """The router biases after a training step on this batch that began with `parameters`, by name."""
    return {
        f"{layer.name}.{name}": value
        for layer, p, x in _offering("updated_router_bias", plan, parameters, ids, noise)
        for name, value in layer.spec.updated_router_bias(p, x).items()
    }


def _offering(
    method: str, plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays
) -> Iterator[tuple[Layer, Arrays, np.ndarray]]:
    """(layer, its parameters, its input) for every layer whose reference has `method` and that the model runs.

    A block that waits (A11) runs nothing.
    """
    layers = [layer for layer in plan.layers() if hasattr(layer.spec, method)]
    if not layers:
        return
    given = inputs(plan, parameters, ids, noise)
    for layer in layers:
        if layer.name in given:
            yield layer, below(parameters, layer.name), given[layer.name]
