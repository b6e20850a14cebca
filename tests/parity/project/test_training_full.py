"""The same at the contract's sizes, with the real text and vocabulary: `python -m pytest -m slow`."""

from __future__ import annotations

import pytest

from lyceum import corpus, personas
from parity.project import training
from tests.support.assertions import all_passed
from train_mps import FIXED


# The baseline's 50,304 logits a token cost MLX seconds a step on a CPU, so its losses are compared for fewer steps.
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("name", "steps"), [("aristotle", 200), ("baseline", 10)])
def test_every_loss_and_checkpoints_across(name, steps):
    text = corpus.load()
    verdicts = all_passed(training.trajectories(personas.plan(name, FIXED, text.train), text, "float32", steps))
    assert {verdict.variant for verdict in verdicts} >= {"mlx float32", "torch to mlx float32", "mlx to torch float32"}
