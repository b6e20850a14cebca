"""A full run whose start differs by one ulp: the yardstick for "the two backends learn the same".

    python -m parity perturb runs/control --backend torch --control 1
    python train_mps.py --resume runs/control

The first line writes a run folder. Its checkpoint, at iteration 0, has the persona's initial values with every
parameter moved by one ulp, up or down at random. The second trains it like any other run. How far the full_vloss of
such runs lies from that of the unmoved run is what rounding alone can do over a full run; two backends that are the
same function lie no further apart.
"""

from __future__ import annotations

import time
from pathlib import Path

from lyceum import corpus, personas
from lyceum.contract import Fixed, UsageError
from lyceum.training import saving
from lyceum.training.job import Job
from lyceum.training.progress import Progress
from lyceum.training.request import Request
from parity.project.trainers import BACKENDS, moved


def perturb(fixed: Fixed, out: str, backend: str, persona: str, seed: int, control: int) -> Path:
    """Write the run folder `out`; control: which random signs to take. Raises UsageError, one sentence."""
    request = Request(backend, persona, seed, None, out, None, None, None)
    request.check(fixed)
    folder = request.folder()
    try:
        text = corpus.load()
        plan = personas.plan(persona, fixed, text.train)
    except (corpus.CorpusError, personas.PersonaError) as error:
        raise UsageError(str(error)) from error
    trainer = moved(BACKENDS[backend](plan, seed), "float32", control)
    folder.path.mkdir(parents=True, exist_ok=True)
    saving.save(Job(trainer, plan, text, fixed, seed), folder, Progress(time.perf_counter(), request.recorded()))
    return folder.path
