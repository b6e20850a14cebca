"""The personas: what is built, written as mathematics, in NumPy alone.

`plan(name, fixed, train_ids)` returns the `Plan` that either backend can build and train; `compose(name, on, off)` the
systems that are enabled when some are switched on and some off.

    baseline/, aristotle/, euclid/    one entry per system: equations, theorems, parity cases
    spec/          the records: System, Persona, Recipe, Plan and the model's skeleton, Case, Theorem
    model/         references of what every model has: forward pass, optimizer, router bias, samplers
    properties/    theorems that several systems share
    memory/        what both memories share;  repair/  what both repairs share
    lens/          a model taken apart: terms, patching
    tokens/        what can be known of a token: frequency, neighbours, surface form
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lyceum.personas import baseline
from lyceum.personas.aristotle import PERSONA as _ARISTOTLE
from lyceum.personas.baseline import PERSONA as _BASELINE
from lyceum.personas.euclid import PERSONA as _EUCLID
from lyceum.personas.spec import system
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.names import below
from lyceum.personas.spec.persona import Persona
from lyceum.personas.spec.plan import Plan
from lyceum.personas.spec.recipe import Recipe
from lyceum.personas.spec.system import System

PERSONAS = {persona.name: persona for persona in (_BASELINE, _ARISTOTLE, _EUCLID)}

__all__ = [
    "PERSONAS",
    "Persona",
    "PersonaError",
    "Plan",
    "Recipe",
    "System",
    "check",
    "compose",
    "find",
    "plan",
    "prepare",
]


def find(name: str) -> Persona:
    """The persona of that name. Raises PersonaError for one that is unknown."""
    if name not in PERSONAS:
        raise PersonaError(f"there is no persona {name!r}: choose one of {', '.join(PERSONAS)}.")
    return PERSONAS[name]


def compose(name: str, switched_on: Iterable[str] = (), switched_off: Iterable[str] = ()) -> tuple[str, ...]:
    """The systems of persona `name`: its default with some more and without some, in its order.

    Raises PersonaError for what is unknown and for systems that exclude each other.
    """
    return system.compose(find(name), tuple(switched_on), tuple(switched_off))


def check(name: str, systems: Iterable[str] | None = None) -> tuple[str, ...]:
    """`systems` of persona `name` in its order, None for its default.

    Raises PersonaError for what is unknown and for systems that exclude each other.
    """
    persona = find(name)
    return system.check(persona, persona.default if systems is None else tuple(systems))


def plan(
    name: str,
    fixed: Any,
    train_ids: np.ndarray | None,
    tables: dict[str, np.ndarray] | None = None,
    systems: Iterable[str] | None = None,
    recipe: Mapping[str, float] | None = None,
) -> Plan:
    """The plan of persona `name` under the contract's sizes `fixed`.

    train_ids: the training split (N,), from which the tables are prepared; tables: the same tables from a checkpoint,
    in which case train_ids is not read. systems: the names of those that are enabled; None for the persona's default.
    recipe: other values of some fields of the persona's recipe, before its systems change it.
    Raises PersonaError for a persona that is unknown, for systems that exclude each other, and for an unknown field.
    """
    persona, names = find(name), check(name, systems)
    if tables is None:
        tables = prepare(persona, names, train_ids)
    modules, training = baseline.modules(fixed), persona.recipe(fixed.max_iters).changed(recipe or {})
    for each in (system.find(persona, name) for name in names):
        modules |= each.build(modules, fixed, below(tables, each.name))
        training = each.train(training)
    return Plan(persona, names, fixed, tables, modules, training)


def prepare(persona: Persona, names: Iterable[str], train_ids: np.ndarray) -> dict[str, np.ndarray]:
    """The tables of the systems `names`, "<system>.<table>", prepared from the training split (N,)."""
    return {
        f"{name}.{table}": array
        for name in names
        for table, array in system.find(persona, name).tables(train_ids).items()
    }
