"""What is searched: ranges of the recipe's fields and systems that may be on or off; and the candidates drawn from it.

peak_lr=3e-4:3e-3:log,dropout=0:0.3,warmup_steps=50:400       low:high, :log for a logarithmic scale
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from lyceum import personas
from lyceum.contract import UsageError
from lyceum.personas.spec import system
from lyceum.personas.spec.recipe import CHANGEABLE
from lyceum.personas.spec.search import Configuration, Range

DEFAULT = "peak_lr=3e-4:4e-3:log,weight_decay=0.3:6:log,dropout=0:0.3,warmup_steps=50:400"
INTEGERS = ("warmup_steps",)


@dataclass(frozen=True)
class Space:
    """persona: the record. ranges: {recipe's field: its distribution}. switches: the systems that are on or off."""

    persona: personas.Persona
    ranges: dict[str, BaseDistribution]
    switches: tuple[str, ...] = ()

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """By name, as Optuna has them."""
        return self.ranges | {name: CategoricalDistribution([False, True]) for name in self.switches}

    def numbers(self) -> tuple[Range, ...]:
        """The ranges as a rule has them."""
        return tuple(
            Range(name, each.low, each.high, each.log, isinstance(each, IntDistribution))
            for name, each in self.ranges.items()
        )

    def suggest(self, trial: optuna.Trial) -> Configuration:
        """The configuration of a trial, by its study's sampler."""
        values = {}
        for name, each in self.ranges.items():
            suggest = trial.suggest_int if isinstance(each, IntDistribution) else trial.suggest_float
            values[name] = suggest(name, each.low, each.high, log=each.log)
        return values | {name: trial.suggest_categorical(name, [False, True]) for name in self.switches}

    def default(self, max_iters: int) -> Configuration:
        """The persona's default recipe and composition, brought into the space where it lies outside."""
        recipe = self.persona.recipe(max_iters)
        values = {name: min(max(getattr(recipe, name), each.low), each.high) for name, each in self.ranges.items()}
        return values | {name: name in self.persona.default for name in self.switches}

    def recipe(self, configuration: Configuration) -> dict[str, float]:
        """A configuration's part of the recipe."""
        return {name: configuration[name] for name in self.ranges}

    def systems(self, configuration: Configuration) -> tuple[str, ...]:
        """The enabled systems: a system switched on drives out those of the default that exclude it.

        Of two switched on that exclude each other the first stays; one whose needs are unmet is left out.
        """
        on = [name for name in self.switches if configuration[name]]
        rest = [name for name in self.persona.default if name not in self.switches]
        names: list[str] = []
        for name in (*on, *rest):
            one = system.find(self.persona, name)
            if not any(system.clash(one, system.find(self.persona, other)) for other in names):
                names.append(name)
        while unmet := [n for n in names if not {*system.find(self.persona, n).needs} <= {*names}]:
            names = [name for name in names if name not in unmet]
        return system.check(self.persona, names)


def parse(persona: str, text: str, switches: Sequence[str] = ()) -> Space:
    """The space that the command line describes. Raises UsageError, one sentence."""
    try:
        record = personas.find(persona)
        models = {each.name for each in record.systems if not each.command}
        for name in switches:
            if system.find(record, name).name not in models:
                raise UsageError(f"{name!r} is not part of the model: leave it out of --switch.")
    except personas.PersonaError as error:
        raise UsageError(str(error)) from error
    ranges = dict(_range(part) for part in text.split(",") if part)
    if not ranges and not switches:
        raise UsageError("there is nothing to search: give --space or --switch.")
    return Space(record, ranges, tuple(switches))


def _range(part: str) -> tuple[str, BaseDistribution]:
    name, _, values = part.partition("=")
    low, _, rest = values.partition(":")
    high, _, scale = rest.partition(":")
    if name not in CHANGEABLE:
        raise UsageError(f"a recipe has no field {name!r} to search: choose from {', '.join(CHANGEABLE)}.")
    integer, log = name in INTEGERS, scale == "log"
    try:
        bounds = [(int if integer else float)(value) for value in (low, high)]
        allowed = all(CHANGEABLE[name][1](value) for value in bounds) and bounds[0] < bounds[1]
    except ValueError:
        allowed = False
    if not allowed or scale not in ("", "log") or (log and bounds[0] <= 0):
        raise UsageError(
            f"{part} is no range: write {name}=LOW:HIGH or {name}=LOW:HIGH:log, each {CHANGEABLE[name][0]}."
        )
    return name, (IntDistribution if integer else FloatDistribution)(*bounds, log=log)


def draw(space: Space, count: int, seed: int, max_iters: int) -> list[Configuration]:
    """`count` configurations: the persona's default, then a scrambled Sobol sequence, rounded to three digits.

    They depend on the arguments alone: the sampler works in another study, in memory, and learns nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.QMCSampler(scramble=True, seed=seed, warn_independent_sampling=False)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(dict(space.default(max_iters)))
    drawn: list[Configuration] = []
    for _ in range(count):
        trial = study.ask()
        drawn.append(space.suggest(trial))
        study.tell(trial, 0.0)
    return [drawn[0], *(_rounded(space, each) for each in drawn[1:])]


def _rounded(space: Space, configuration: Configuration) -> Configuration:
    values = {each.name: each.rounded(configuration[each.name]) for each in space.numbers()}
    return {**configuration, **values}
