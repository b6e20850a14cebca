"""The whole update's definition: gradients clipped, then each parameter by its own rule.

    g <- g * min(1, clip / (|g| + 1e-6)),     |g| over all parameters together           (`lyceum.personas.model.adamw.clipped`)
    hidden matrices: the recipe's rule for them, if it has one: state (W, M, ...)          (such as aristotle.muon)
    everything else: AdamW, with decay 0 for gains and biases: state (p, m, v)             (`lyceum.personas.model.adamw.adamw`)

Both rules take the schedule's learning rate, so that they warm up and cool down together. Written with operators alone,
so that NumPy arrays and torch tensors (for `parity.bounds.rounding`) go through the same lines.
"""

from __future__ import annotations

from lyceum.personas.model.adamw import adamw, clipped
from lyceum.personas.spec.plan import Plan


def start(plan: Plan, parameters: dict) -> dict:
    """The state before the first update: {name: (W, M, ...) or (p, m, v)}, all but the parameters 0."""
    return {name: (p, *memory(name, p, plan).values()) for name, p in parameters.items()}


def memory(name: str, p, plan: Plan) -> dict:
    """What is kept of one parameter from step to step beside itself, as it begins: {its name in a checkpoint: 0}."""
    return plan.recipe.hidden.fresh(p) if plan.is_hidden(name, p) else {"m": 0 * p, "v": 0 * p}


def update(state: dict, gradients: dict, step, lr: float, plan: Plan) -> dict:
    """The state after an update. step: 1-based, a number or a 0-d array of the parameters' kind; lr: the schedule's."""
    gradients = clipped(gradients, plan.recipe.clip_norm)
    return {name: updated(name, held, gradients[name], step, lr, plan) for name, held in state.items()}


def updated(name: str, held: tuple, g, step, lr: float, plan: Plan) -> tuple:
    """What `update` does to one parameter, with its clipped gradient."""
    if plan.is_hidden(name, held[0]):
        return plan.recipe.hidden.update(*held, g, lr)
    return adamw(*held, g, step, lr, plan.recipe, plan.recipe.weight_decay if plan.decays(held[0]) else 0.0)
