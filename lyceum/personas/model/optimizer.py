"""The reference of one update of all parameters: gradients are clipped, then each parameter follows its rule.

    g <- retain(g, p) if the plan restrains its training by a first text          (`lyceum.personas.model.retain`)
    g <- g * min(1, clip / (|g| + 1e-6)), |g| over all parameters together       (`lyceum.personas.model.adamw.clipped`)
    hidden matrices: the recipe's rule for them, if it has one: state (W, M, ...) (such as aristotle.muon)
    everything else: AdamW, decay 0 for gains and biases: state (p, m, v)         (`lyceum.personas.model.adamw.adamw`)
    p <- confine(p) if the first text confines the parameters                     (`lyceum.personas.model.retain`)

Both rules take the schedule's learning rate, so that they warm up and cool down together. A recipe with a rule for
rates (such as aristotle.meta) multiplies it by a factor h of each group (`Plan.group`), which is first brought up to
date; if h is absolute (such as euclid.meta) it takes the place of the schedule's peak.
The rule sees a group through three numbers, sums over its measured entries, before its parameters p move:

    <g, d>, <d, d>, <g, g>,   d = p - o;     then o <- o + (1 - habit) d
The origin o is thus where the last step began if habit = 0, and where training began if habit = 1; between them d is a
sum over all steps, weighted by powers of habit.

Only operators are used, so that the same lines run on NumPy arrays and on torch tensors (`parity.bounds.rounding`).
"""

from __future__ import annotations

import math

import numpy as np

from lyceum.personas.model.adamw import adamw, adamw_reach, clipped
from lyceum.personas.spec.plan import Plan

MEASURED = 2**16  # numbers of a parameter, about; all of a smaller one


def start(plan: Plan, parameters: dict) -> dict:
    """The state before the first update.

    {name of a parameter: (W, M, ...) or (p, m, v), all but the parameters 0}; with a rule for rates each ends with the
    parameter's origin, and there is {name of a group: (its factor, ...)} besides.
    """
    state = {name: (p, *moments(name, p, plan).values()) for name, p in parameters.items()}
    if plan.recipe.rates is not None:
        state |= {group: (*fresh.values(),) for group, fresh in rated(plan, parameters).items()}
    return state


def rated(plan: Plan, parameters: dict) -> dict[str, dict]:
    """{group: the state of the rule for rates before the first update, by its names}.

    The rule gets the sum of squares of the group's measured entries, and their number.
    """
    states = {}
    for group, members in plan.grouped(parameters).items():
        entries = [measured(p) for p in members.values()]
        square, count = sum((x * x).sum() for x in entries), sum(math.prod(x.shape) for x in entries)
        states[group] = plan.recipe.rates.fresh(square, count)
    return states


def moments(name: str, p, plan: Plan) -> dict:
    """The initial state of a parameter besides its value: {its name in a checkpoint: 0, or its origin}."""
    fresh = plan.recipe.hidden.fresh(p) if plan.is_hidden(name, p) else {"m": 0 * p, "v": 0 * p}
    return fresh if plan.recipe.rates is None else fresh | {"origin": measured(p)}


def measured(x):
    """The entries of a parameter, or of its gradient, that its group is measured by: whole rows at equal distances."""
    return x[:: -(-math.prod(x.shape) // MEASURED)] if x.shape else x


def update(state: dict, gradients: dict, step, lr: float, plan: Plan) -> dict:
    """The state after an update. step: 1-based, a number or a 0-d array of the parameters' type; lr: the schedule's."""
    parameters, rule = {name: state[name][0] for name in gradients}, plan.recipe.rates
    gradients = clipped(restrained(gradients, parameters, plan), plan.recipe.clip_norm)
    if rule is None:
        return confined({name: updated(name, state[name], g, step, lr, plan) for name, g in gradients.items()}, plan)
    groups, after = followed(state, gradients, lr, plan), {}
    for name, g in gradients.items():
        *old, origin = state[name]
        rate = (lr / plan.recipe.peak_lr if rule.absolute else lr) * groups[plan.group(name, old[0])][0]
        origin = origin + (1 - rule.habit) * (measured(old[0]) - origin)
        after[name] = (*updated(name, old, g, step, rate, plan), origin)
    return confined(after, plan) | groups


def followed(state: dict, gradients: dict, lr: float, plan: Plan) -> dict:
    """{group: (its factor, ...)} for an update with these clipped gradients."""
    sums = {}
    for name, g in gradients.items():
        p, *_, origin = state[name]
        g, d = measured(g), measured(p) - origin
        products = (g * d).sum(), (d * d).sum(), (g * g).sum()
        group = plan.group(name, p)
        sums[group] = [a + b for a, b in zip(sums[group], products, strict=True)] if group in sums else products
    share = lr / plan.recipe.peak_lr
    return {group: plan.recipe.rates.follow(*state[group], *products, share) for group, products in sums.items()}


def restrained(gradients: dict, parameters: dict, plan: Plan) -> dict:
    """The gradients by name as the plan's first text leaves them; as they are, if it has none."""
    return plan.modules["retain"].restrain({}, gradients, parameters) if "retain" in plan.modules else gradients


def confined(state: dict, plan: Plan) -> dict:
    """The state of the parameters by name with these where the plan's first text leaves them, if it confines them."""
    retain = plan.modules.get("retain")
    if not hasattr(retain, "confine"):
        return state
    parameters = retain.confine({}, {name: values[0] for name, values in state.items()})
    return {name: (parameters[name], *values[1:]) for name, values in state.items()}


def updated(name: str, state: tuple, g, step, lr: float, plan: Plan) -> tuple:
    """The state of one parameter after an update with its clipped gradient g."""
    if plan.waits(name):
        return state
    if plan.is_hidden(name, state[0]):
        return plan.recipe.hidden.update(*state, g, lr)
    return adamw(*state, g, step, lr, plan.recipe, plan.recipe.weight_decay if plan.decays(state[0]) else 0.0)


def reach(plan: Plan, name: str, shape: tuple[int, ...], lengths: np.ndarray) -> np.ndarray:
    """How far one update at learning rate 1 moves the rows of a parameter at most, (rows,).

    Rows run along the last axis, a number is a row of one entry. lengths: theirs before the update, (rows,), or more.
    """
    empty = np.empty(shape, np.bool_)
    if plan.is_hidden(name, empty):
        return plan.recipe.hidden.reach(shape, lengths)
    return adamw_reach(lengths, (1, *shape)[-1], plan.recipe, plan.recipe.weight_decay if plan.decays(empty) else 0.0)
