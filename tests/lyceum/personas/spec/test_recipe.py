"""Learning rates, and which parameters decay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyceum.personas import PERSONAS, PersonaError, Plan, Recipe

COSINE = Recipe(peak_lr=1e-3, total_steps=1000, warmup_steps=100, schedule="cosine")


def test_constant():
    recipe = Recipe(peak_lr=3e-4, total_steps=10)
    assert {recipe.learning_rate(step) for step in range(10)} == {3e-4}


def test_warm_up_is_linear_from_the_first_step():
    recipe = Recipe(peak_lr=1.0, total_steps=1000, warmup_steps=4)
    assert [recipe.learning_rate(step) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_cosine_by_hand():
    """Half-way the cosine is 0; at a third of the way it is 1/2."""
    recipe = Recipe(peak_lr=2.0, total_steps=900, schedule="cosine")
    assert recipe.learning_rate(0) == 2.0
    assert recipe.learning_rate(300) == pytest.approx(1.5, rel=1e-12)
    assert recipe.learning_rate(450) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("step", (1000, 1001, 5000))
def test_the_end_of_the_cosine_is_zero(step):
    assert COSINE.learning_rate(step) == 0


@given(st.integers(0, 999))
def test_the_cosine_rises_then_falls(step):
    now, then = COSINE.learning_rate(step), COSINE.learning_rate(step + 1)
    assert 0 < now <= COSINE.peak_lr
    assert now < then if step < 90 else now > then if step > 110 else True


def test_an_unknown_schedule():
    with pytest.raises(PersonaError, match="'constant' or 'cosine', got 'linear'"):
        Recipe(peak_lr=1.0, total_steps=1, schedule="linear").learning_rate(0)


def test_matrices_decay_and_gains_do_not():
    assert Plan.decays(np.ones((2, 3))) and Plan.decays(np.ones((1, 1)))
    assert not Plan.decays(np.ones(3)) and not Plan.decays(np.float32(1))


def test_the_baseline_is_the_references():
    """CONTRACT.md: AdamW 3e-4, decay 0.1, betas 0.9 and 0.95, no schedule, clipped at 1, no dropout."""
    recipe = PERSONAS["baseline"].recipe(10_001)
    assert [recipe.learning_rate(step) for step in (0, 5000, 10_000)] == [3e-4] * 3
    assert (recipe.betas, recipe.weight_decay, recipe.clip_norm, recipe.dropout) == ((0.9, 0.95), 0.1, 1.0, 0.0)
