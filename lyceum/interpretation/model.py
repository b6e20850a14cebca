"""The model of a run as functions of arrays: the lens of its persona, with the run's parameters, in a backend."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lyceum import personas
from lyceum.contract import Fixed, UsageError
from lyceum.generation.generate import trained
from lyceum.personas.lens import Lens
from lyceum.personas.spec.names import below
from lyceum.personas.spec.plan import Plan
from lyceum.personas.spec.system import find
from lyceum.training.backends import PACKAGES


@dataclass(frozen=True, eq=False)
class Model:
    """spec: the lens. call: (one of its methods, *arrays) -> array. plan: the run's. backend, device: what computes."""

    spec: Lens
    call: Callable[..., np.ndarray] = field(repr=False)
    plan: Plan = field(repr=False)
    backend: str
    device: str

    def evidence(self, ids: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, ...]:
        """The memory's evidence for targets, (1, T) each; () without a memory."""
        return _float32(self.plan.evidence(ids, targets))

    def next_log_probs(self, ids: np.ndarray, at: int, with_memory: bool) -> np.ndarray:
        """log p of every id after one position of ids (1, T), (V,), nats."""
        positions = np.array([at])
        evidence = _float32(self.plan.evidence_at(ids, positions)) if with_memory else ()
        return self.call("log_probs", ids, positions, evidence)[0]


def load(run: Path, fixed: Fixed, backend: str | None = None, device: str | None = None) -> Model:
    """The model of a run. Raises UserError, one sentence, for what is no run or has no lens."""
    backend, trainer = trained(run, fixed, backend, device)
    plan = trainer.plan
    spec = lens(plan.name)(plan.built, plan.fixed.n_layer)
    functions = importlib.import_module(f"{PACKAGES[backend]}.arrays").functions
    call = functions(spec, trainer.device, below(trainer.read(), "model"))
    return Model(spec, call, plan, backend, trainer.device)


def lens(persona: str) -> Callable[..., Lens]:
    """The lens of a persona. Raises UsageError if it has none."""
    try:
        return find(personas.find(persona), "interpret").lens
    except personas.PersonaError as error:
        having = [name for name, other in personas.PERSONAS.items() if any(system.lens for system in other.systems)]
        sentence = f"the persona {persona!r} has no lens: give a run of {' or '.join(having)}."
        raise UsageError(sentence) from error


def _float32(arrays: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    return tuple(x.astype(np.float32) for x in arrays)
