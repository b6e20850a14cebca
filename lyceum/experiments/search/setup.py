"""What a study is of, as JSON-able values: everything that must be equal for a worker to join it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial

import optuna

from lyceum.contract import Fixed, UsageError
from lyceum.corpus import Corpus
from lyceum.experiments.search.space import Space, draw
from lyceum.personas import PersonaError
from lyceum.personas.spec.search import Rule, Task
from lyceum.runs.checkpoint import difference, digest

DRAWN_BY = 1337  # the seed of the candidates


@dataclass(frozen=True)
class Setup:
    """space: what is searched. rule: how. record: of both, of the text and of the backend."""

    space: Space
    rule: Rule
    record: dict


def rule_of(space: Space, fixed: Fixed, budget: int, candidates: int, seeds: tuple[int, ...]) -> Rule:
    """The rule of a persona's search for this task. Raises UsageError, one sentence."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if len({*seeds}) < len(seeds):
        raise UsageError(f"the seeds {', '.join(map(str, seeds))} are not different: give each once.")
    longest = fixed.max_iters
    configurations = partial(draw, space, seed=DRAWN_BY, max_iters=longest)
    task = Task(candidates, budget, seeds, longest, configurations, space.numbers())
    makers = [each.search for each in space.persona.systems if each.search is not None]
    if not makers:
        raise UsageError(f"{space.persona.name} has no search: choose another persona, such as aristotle.")
    try:
        return makers[0](task)
    except PersonaError as error:
        raise UsageError(str(error)) from error


def setup(space: Space, rule: Rule, backend: str, budget: int, seeds: tuple[int, ...], text: Corpus) -> Setup:
    """The setup of a study. text: its split for development."""
    record = {
        "persona": space.persona.name,
        "backend": backend,
        "space": {name: str(each) for name, each in space.distributions.items()},
        "budget": budget,
        "seeds": seeds,
        "rule": {"name": type(rule).__name__, **asdict(rule)},
        "data": {split: digest(getattr(text, split)) for split in ("train", "val")},
    }
    return Setup(space, rule, json.loads(json.dumps(record)))


def match(name: str, there: dict, here: dict) -> None:
    """Raises UsageError, naming the first difference, unless a study is of this setup."""
    for entry, value in here.items():
        first = difference(entry, there.get(entry), value)
        if first is not None:
            raise UsageError(f"the study {name!r} is of another search: {first}; choose another --study or --out.")
