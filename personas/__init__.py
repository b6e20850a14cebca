"""The personas: what is built, written as mathematics, in NumPy alone.

`plan(name, fixed, train_ids)` returns the `Plan` that either wing can build and train.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from personas.aristotle import PERSONA as _ARISTOTLE
from personas.baseline import PERSONA as _BASELINE
from personas.persona import Persona, PersonaError, Recipe
from personas.plan import Plan

PERSONAS = {persona.name: persona for persona in (_BASELINE, _ARISTOTLE)}

__all__ = ["PERSONAS", "Persona", "PersonaError", "Plan", "Recipe", "find", "plan"]


def find(name: str) -> Persona:
    """The persona of that name. Raises PersonaError for one that is unknown or not built yet."""
    if name == "euclid":
        raise PersonaError("the persona 'euclid' is not built yet: choose baseline or aristotle.")
    if name not in PERSONAS:
        raise PersonaError(f"there is no persona {name!r}: choose one of {', '.join(PERSONAS)}.")
    return PERSONAS[name]


def plan(name: str, fixed: Any, train_ids: np.ndarray | None, tables: dict[str, np.ndarray] | None = None) -> Plan:
    """The plan of persona `name` under the contract's sizes `fixed`.

    train_ids: the training split (N,), from which the tables are prepared; tables: the same tables from a checkpoint,
    in which case train_ids is not read. Raises PersonaError for a persona that is unknown or not built yet.
    """
    persona = find(name)
    if tables is None:
        tables = persona.tables(train_ids)
    return Plan(persona, fixed, tables, dict(persona.parts(fixed, tables)), persona.recipe(fixed.max_iters))
