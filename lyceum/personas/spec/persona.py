"""A persona as a record that can be printed: a thesis, its systems, and the recipe that trains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from lyceum.personas.spec.recipe import Recipe
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Persona:
    """One thinker: his thesis, his systems in the order in which they build the model, and his recipe.

    default: the names of the systems that are enabled by default, the best composition that we know. recipe: max_iters
    -> the recipe, which the systems may then change. sampler: the sampler it generates with, a value of --sampler.
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
