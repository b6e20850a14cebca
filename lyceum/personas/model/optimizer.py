"""The reference of one update of all parameters: gradients are clipped, then each parameter follows its rule.

    g <- g * min(1, clip / (|g| + 1e-6)), |g| over all parameters together       (`lyceum.personas.model.adamw.clipped`)
    hidden matrices: the recipe's rule for them, if it has one: state (W, M, ...) (such as aristotle.muon)
    everything else: AdamW, decay 0 for gains and biases: state (p, m, v)         (`lyceum.personas.model.adamw.adamw`)

Both rules take the schedule's learning rate, so that they warm up and cool down together. Only operators are used, so
that the same lines run on NumPy arrays and on torch tensors (`parity.bounds.rounding`).
"""

from __future__ import annotations

import numpy as np

from lyceum.personas.model.adamw import adamw, adamw_reach, clipped
from lyceum.personas.spec.plan import Plan


def start(plan: Plan, parameters: dict) -> dict:
    """The state before the first update: {name: (W, M, ...) or (p, m, v)}, all but the parameters 0."""
    return {name: (p, *moments(name, p, plan).values()) for name, p in parameters.items()}


def moments(name: str, p, plan: Plan) -> dict:
    """The initial state of a parameter besides its value: {its name in a checkpoint: 0}."""
    return plan.recipe.hidden.fresh(p) if plan.is_hidden(name, p) else {"m": 0 * p, "v": 0 * p}


def update(state: dict, gradients: dict, step, lr: float, plan: Plan) -> dict:
    """The state after an update. step: 1-based, a number or a 0-d array of the parameters' type; lr: the schedule's."""
    gradients = clipped(gradients, plan.recipe.clip_norm)
    return {name: updated(name, old, gradients[name], step, lr, plan) for name, old in state.items()}


def updated(name: str, state: tuple, g, step, lr: float, plan: Plan) -> tuple:
    """The state of one parameter after an update with its clipped gradient g."""
    if plan.waits(name):
        return state
    if plan.is_hidden(name, state[0]):
        return plan.recipe.hidden.update(*state, g, lr)
    return adamw(*state, g, step, lr, plan.recipe, plan.recipe.weight_decay if plan.decays(state[0]) else 0.0)


def reach(plan: Plan, name: str, shape: tuple[int, ...], lengths: np.ndarray) -> np.ndarray:
    """How far one update at learning rate 1 moves the rows of a parameter at most, (rows,).

    Rows run along the last axis. lengths: theirs before the update, (rows,), or more.
    """
    empty = np.empty(shape, np.bool_)
    if plan.is_hidden(name, empty):
        return plan.recipe.hidden.reach(shape, lengths)
    return adamw_reach(lengths, shape[-1], plan.recipe, plan.recipe.weight_decay if plan.decays(empty) else 0.0)
