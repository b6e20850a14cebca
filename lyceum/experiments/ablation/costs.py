"""What a composition costs: its parameters, and the time of an iteration beside the default's."""

from __future__ import annotations

from collections.abc import Callable

import train_mps
from lyceum import corpus, personas
from lyceum.bench.alternate import alternate, ratio_interval
from lyceum.experiments.ablation.compositions import Composition
from lyceum.training import backends
from lyceum.training.job import Job

TIMED = 5  # iterations of each composition in a round


def sizes(compositions: list[Composition], persona: str, text: corpus.Corpus) -> dict[str, int]:
    """{system: number of parameters} of each composition."""
    plans = {each.system: _plan(each, persona, text) for each in compositions}
    return {name: sum(value.size for value in plan.grown.initial(0).values()) for name, plan in plans.items()}


def times(
    compositions: list[Composition], persona: str, backend: str, text: corpus.Corpus, rounds: int
) -> dict[str, tuple[float, float, float]]:
    """{system: (ratio, low, high)}: time per iteration as a multiple of the first's, with its 95% interval."""
    seconds = alternate({each.system: _iterate(each, persona, backend, text) for each in compositions}, rounds, TIMED)
    return {each.system: ratio_interval(seconds[each.system], seconds[compositions[0].system]) for each in compositions}


def _iterate(composition: Composition, persona: str, backend: str, text: corpus.Corpus) -> Callable[[int], float]:
    """The function that runs iteration t of a composition to its end."""
    plan = _plan(composition, persona, text)
    job = Job(backends.load(backend)(plan, 0), plan, text, train_mps.FIXED, 0)
    return lambda t: float(job.update(t))


def _plan(composition: Composition, persona: str, text: corpus.Corpus) -> personas.Plan:
    return personas.plan(persona, train_mps.FIXED, text.train, systems=composition.systems)
