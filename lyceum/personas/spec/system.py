"""A system as a switch: what it replaces in the model, what it prepares, how it trains, what it cannot stand beside.

A persona is the baseline with some of its systems on. Each system, in the persona's order, replaces layers of what has
been furnished so far; so a composition is a tuple of names, and the same names always build the same model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.recipe import Recipe

Tables = dict[str, np.ndarray]


@dataclass(frozen=True)
class System:
    """One system of a persona; its module lists it as SYSTEM, and its persona names the module in one line.

    name: the field's term, the switch, and the name of its module. label: its number and the persona's word for it.
    job: what it does here. module: which module of the model it takes ("vocabulary", "position", "norm", "mixer",
    "mlp"); of two systems that take the same only one can be enabled. excludes: others that it cannot be enabled with,
    and why. needs: others that it cannot be enabled without.
    tables: training ids (N,) -> its arrays by name. tiny_tables: () -> the same for the tiny vocabulary of
    `lyceum.personas.spec.tiny`. build: (modules so far, sizes, its tables) -> the modules that it replaces.
    train: the recipe so far -> the recipe. command: how it is reached, if it is no part of the model.
    """

    name: str
    label: str
    job: str
    module: str = ""
    excludes: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    tables: Callable[[np.ndarray], Tables] = lambda train_ids: {}
    tiny_tables: Callable[[], Tables] = lambda: {}
    build: Callable[[Mapping[str, Any], Any, Tables], dict[str, Any]] = lambda modules, sizes, tables: {}
    train: Callable[[Recipe], Recipe] = lambda recipe: recipe
    command: str = ""


def compose(persona, switched_on=(), switched_off=()) -> tuple[str, ...]:
    """The names of a persona's default systems, with some more and without some, in its own order.

    Raises PersonaError for a name that is unknown, asked for both ways, or no part of a model, and as `check` does.
    """
    for name in (*switched_on, *switched_off):
        system = find(persona, name)
        if system.command:
            raise PersonaError(f"{name!r} is no part of the model: it is reached by {system.command}.")
    if both := sorted({*switched_on} & {*switched_off}):
        raise PersonaError(f"{both[0]!r} is switched on and off at once: leave out one of the two.")
    chosen = ({*persona.default} | {*switched_on}) - {*switched_off}
    return check(persona, chosen)


def check(persona, names) -> tuple[str, ...]:
    """The names in the persona's order. Raises PersonaError for a pair that cannot stand together, or a need unmet."""
    chosen = [system for system in persona.systems if system.name in {find(persona, name).name for name in names}]
    for i, system in enumerate(chosen):
        for other in chosen[:i]:
            if reason := clash(system, other):
                raise PersonaError(
                    f"{other.name!r} and {system.name!r} cannot stand together ({reason}): switch one off."
                )
        for name in system.needs:
            if name not in {other.name for other in chosen}:
                raise PersonaError(f"{system.name!r} needs {name!r}: switch that on too, or this one off.")
    return tuple(system.name for system in chosen)


def clash(one: System, other: System) -> str:
    """Why two systems cannot stand together; "" if they can."""
    if one.module and one.module == other.module:
        return f"both are the {one.module}"
    return one.excludes.get(other.name) or other.excludes.get(one.name) or ""


def changes(persona) -> dict[str, tuple[str, ...]]:
    """Compositions one change away from the default: {system's name: names of those that then stand}.

    A system of the default is taken away, with those that need it; another is added, in place of those that it
    cannot stand beside.
    """
    found = {}
    for system in persona.systems:
        if system.command:
            continue
        if system.name in persona.default:
            kept = {name for name in persona.default if system.name not in (name, *find(persona, name).needs)}
        else:
            kept = {name for name in persona.default if not clash(system, find(persona, name))} | {system.name}
        found[system.name] = check(persona, kept)
    return found


def title(persona, names) -> str:
    """What a composition is called: "aristotle", "aristotle with mla without rope"."""
    more = [name for name in names if name not in persona.default]
    fewer = [name for name in persona.default if name not in names]
    return " ".join(
        [persona.name, *(["with", ",".join(more)] if more else []), *(["without", ",".join(fewer)] if fewer else [])]
    )


def find(persona, name: str) -> System:
    """The system of that name. Raises PersonaError if the persona has none."""
    found = {system.name: system for system in persona.systems}
    if name not in found:
        choice = f"choose from {', '.join(found)}" if found else "it is the measure of all others"
        raise PersonaError(f"{persona.name} has no system {name!r}: {choice}.")
    return found[name]
