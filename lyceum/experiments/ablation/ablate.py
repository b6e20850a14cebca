"""One ablation: train every composition on every seed, measure its costs, and make the records."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from lyceum import corpus
from lyceum.contract import UsageError
from lyceum.experiments import runs
from lyceum.experiments.ablation import costs
from lyceum.experiments.ablation.compositions import compositions
from lyceum.experiments.ablation.table import record
from lyceum.personas import PersonaError

LOG = logging.getLogger(__name__)


def ablate(
    persona: str,
    backend: str,
    seeds: Sequence[int],
    steps: int,
    rounds: int,
    out: Path,
    only: Sequence[str] = (),
    development: bool = False,
) -> dict[str, dict]:
    """{system: record} of the default and of every composition one change away from it; trains what is not trained yet.

    steps: iterations of every run. rounds: in which all take turns. out: the folder of the runs. only: the systems to
    switch, all if empty. development: train and compare within the training split. Raises UsageError for an unknown
    name, UserError as `train_mps.train` does.
    """
    try:
        chosen = compositions(persona, only)
    except PersonaError as error:
        raise UsageError(str(error)) from error
    if len(chosen) < 2:
        raise UsageError(f"{persona} has no systems to switch: choose another persona, such as aristotle.")
    data_dir = runs.development_split(out) if development else None
    request = dict(backend=backend, persona=persona, steps=steps, data_dir=data_dir)
    losses = {each.system: [] for each in chosen}
    for seed in seeds:
        for each in chosen:
            losses[each.system].append(runs.losses(each.folder(out, seed), seed, each.systems, **request))
            LOG.info("%s %s, seed %d: done", each.system, each.change, seed)
    text = corpus.load(data_dir)
    sizes = costs.sizes(chosen, persona, text)
    times = costs.times(chosen, persona, backend, text, rounds)
    reference = losses[chosen[0].system]
    return {
        each.system: record(each, losses[each.system], reference, times[each.system], sizes[each.system])
        for each in chosen
    }
