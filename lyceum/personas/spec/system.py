"""A system as a switch: what it replaces in the model, what it prepares, how it trains, what it excludes.

A persona is the baseline with some of its systems enabled. Each system, in the persona's order, replaces modules of
those chosen so far; so a composition is a tuple of names, and the same names always build the same model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from lyceum.personas.model.retain import Retain
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.quantizer import Quantizer
from lyceum.personas.spec.recipe import Recipe
from lyceum.personas.spec.search import Rule, Task

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
    train: the recipe so far -> the recipe. command: how to run it, if it is not part of the model. quantizer: how it
    codes weights, if that is its job. search: a task -> the rule of `lyceum search`, if that is its job
    (`lyceum.personas.spec.search`). retain: how it keeps a first text, if that is its job
    (`lyceum.personas.model.retain`). memory: for a memory, the Python module of its tables, whose gate
    `lyceum memory-gate` fits. lens: for `lyceum interpret`, the persona's `lyceum.personas.lens.Lens`.
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
    quantizer: Quantizer | None = None
    search: Callable[[Task], Rule] | None = None
    retain: Retain | None = None
    memory: ModuleType | None = None
    lens: Callable[[dict[str, Any], int], Any] | None = None


def compose(persona, switched_on=(), switched_off=()) -> tuple[str, ...]:
    """The names of a persona's default systems, with some more and without some, in the persona's order.

    Raises PersonaError for a name that is unknown, switched both ways or not part of a model, and as `check` does.
    """
    for name in (*switched_on, *switched_off):
        system = find(persona, name)
        if system.command:
            raise PersonaError(f"{name!r} is not part of the model: run it with {system.command}.")
    if both := sorted({*switched_on} & {*switched_off}):
        raise PersonaError(f"{both[0]!r} is switched on and off at once: leave out one of the two.")
    chosen = ({*persona.default} | {*switched_on}) - {*switched_off}
    return check(persona, chosen)


def check(persona, names) -> tuple[str, ...]:
    """The names in the persona's order. Raises PersonaError for a pair that excludes each other, or a need unmet."""
    chosen = [system for system in persona.systems if system.name in {find(persona, name).name for name in names}]
    for i, system in enumerate(chosen):
        for other in chosen[:i]:
            if reason := clash(system, other):
                raise PersonaError(f"{other.name!r} and {system.name!r} exclude each other ({reason}): switch one off.")
        for name in system.needs:
            if name not in {other.name for other in chosen}:
                raise PersonaError(f"{system.name!r} needs {name!r}: switch that on too, or this one off.")
    return tuple(system.name for system in chosen)


def clash(one: System, other: System) -> str:
    """Why two systems exclude each other; "" if they do not."""
    if one.module and one.module == other.module:
        return f"both are the {one.module}"
    return one.excludes.get(other.name) or other.excludes.get(one.name) or ""


def changes(persona) -> dict[str, tuple[str, ...]]:
    """Compositions one change away from the default: {system's name: names of the systems that are then enabled}.

    A system of the default is taken away, with those that need it; another is added with those that it needs, and those
    that exclude one of them are taken away.
    """
    compositions = {}
    for system in persona.systems:
        if system.command:
            continue
        if system.name in persona.default:
            names = {name for name in persona.default if system.name not in (name, *find(persona, name).needs)}
        else:
            added = [system, *(find(persona, name) for name in system.needs if name not in persona.default)]
            staying = (name for name in persona.default if not any(clash(one, find(persona, name)) for one in added))
            names = {*staying, *(one.name for one in added)}
        compositions[system.name] = check(persona, names)
    return compositions


def title(persona, names) -> str:
    """The name of a composition: "aristotle", "aristotle with mla without rope"."""
    more = [name for name in names if name not in persona.default]
    fewer = [name for name in persona.default if name not in names]
    words = [persona.name]
    if more:
        words += ["with", ",".join(more)]
    if fewer:
        words += ["without", ",".join(fewer)]
    return " ".join(words)


def find(persona, name: str) -> System:
    """The system of that name. Raises PersonaError if the persona has none."""
    systems = {system.name: system for system in persona.systems}
    if name not in systems:
        choice = f"choose from {', '.join(systems)}" if systems else "all others are compared with it"
        raise PersonaError(f"{persona.name} has no system {name!r}: {choice}.")
    return systems[name]
