"""No evaluation before position t depends on tokens from t on: bit for bit, in every tiny plan but one.

Asked of the trainers as evaluation and generation use them, with parameters in general position.
"""

from __future__ import annotations

import numpy as np
import pytest

from lyceum.personas.spec.tiny import N_VOCAB
from lyceum.rng import stream
from parity.project.full_model import drawn
from parity.project.tiny_models import tiny_plans
from parity.project.trainers import make

PLANS = tiny_plans()
# Sparse perceptrons give the experts as many tokens as pass, and groups of another size are rounded otherwise.
ULPS = {"aristotle with moe": 8}


def evaluated(backend: str, title: str, *batches: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
    """The losses (B, T) of (ids, targets) batches."""
    plan = PLANS[title]
    trainer = make(backend, plan, "float32")
    parameters = drawn(plan, 0)[0]
    trainer.write(trainer.read() | {f"model.{name}": p.astype(np.float32) for name, p in parameters.items()})
    return [trainer.losses(*batch) for batch in batches]


@pytest.mark.parametrize("backend", ("torch", "mlx"))
@pytest.mark.parametrize("title", PLANS)
def test_the_past_does_not_know_the_future(title, backend):
    plan, generator = PLANS[title], stream(0, f"test-causality/{title}")
    shape = plan.fixed.batch_size, plan.fixed.block_size
    ids, later, targets = generator.integers(0, N_VOCAB, (3, *shape)).astype(np.int32)
    positions = (1, int(generator.integers(2, shape[1] - 1)), shape[1] - 1)
    changed = [np.where(np.arange(shape[1]) < t, ids, later) for t in positions]
    original, *others = evaluated(backend, title, (ids, targets), *((batch, targets) for batch in changed))
    for t, other in zip(positions, others, strict=True):
        moved = np.abs(original[:, :t] - other[:, :t])
        assert (moved <= ULPS.get(title, 0) * np.spacing(original[:, :t])).all(), f"a change from {t} on shows before"
        assert not np.array_equal(original[:, t:], other[:, t:])
