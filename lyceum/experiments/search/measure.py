"""One run of a search: a candidate trained to an iteration, and its losses on the end of the training split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lyceum.experiments import runs
from lyceum.experiments.search.space import Space
from lyceum.personas.spec.search import Entry
from lyceum.training.saving import Diverged


def trained(space: Space, backend: str, out: Path, data_dir: str) -> Callable[[Entry], np.ndarray | None]:
    """The function that trains and measures a run in a folder under `out`, continuing a shorter one of the candidate.

    data_dir: the split for development. The function returns the losses (K, T); None for a run that diverges.
    """

    def measure(entry: Entry) -> np.ndarray | None:
        folder = out / f"candidate-{entry.candidate:03d}-{entry.seed}"
        systems, recipe = space.systems(entry.configuration), space.recipe(entry.configuration)
        request = dict(backend=backend, persona=space.persona.name, data_dir=data_dir, recipe=recipe)
        try:
            return runs.losses(folder, entry.seed, systems, entry.steps, **request)
        except Diverged:
            return None

    return measure
