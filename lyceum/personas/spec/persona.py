"""What a persona is, as a record that can be printed: a thesis, its systems, and the recipe that trains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from lyceum.personas.spec.recipe import Recipe
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Persona:
    """One thinker: his thesis, his systems in the order in which they furnish the model, and his recipe.

    default: the names of the systems that stand when nothing else is asked for, the best composition found.
    recipe: max_iters -> the recipe that the systems then may change. sampler: the kind by which it speaks, a --sampler.
    """

    name: str
    thesis: str
    systems: tuple[System, ...]
    default: tuple[str, ...]
    recipe: Callable[[int], Recipe]
    sampler: str = "plain"


def systems_of(package: str, *names: str) -> tuple[System, ...]:
    """The record SYSTEM of each of these modules of a persona's package, in this order."""
    return tuple(import_module(f"{package}.{name}").SYSTEM for name in names)
