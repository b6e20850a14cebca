"""Every rule for hidden matrices: a run is resumed bit for bit, and a factor on all gradients changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from parity.project.tiny_models import tiny_corpus, trained_plans
from parity.project.trainers import BACKENDS, make, run


@pytest.fixture(scope="module", params=[title for title, plan in trained_plans().items() if plan.recipe.hidden])
def plan(request):
    return trained_plans()[request.param]


def test_both_personas_have_one():
    assert {plan.name for plan in trained_plans().values() if plan.recipe.hidden} == {"aristotle", "euclid"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_resumed_run_is_the_same_run(backend, plan):
    corpus, at_once, first = tiny_corpus(), make(backend, plan, "float32"), make(backend, plan, "float32")
    losses = run(at_once, plan, corpus, range(6))
    run(first, plan, corpus, range(3))
    second = make(backend, plan, "float32", seed=7)
    second.write(first.read())
    assert np.array_equal(run(second, plan, corpus, range(3, 6)), losses[3:])
    expected, got = at_once.read(), second.read()
    assert all(np.array_equal(got[name], expected[name]) for name in expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_power_of_two_on_all_gradients_changes_nothing(backend, plan):
    """Bit for bit over a run, where the clip does not act; embeddings move otherwise, as AdamW has an eps."""
    free, ends = replace(plan, recipe=replace(plan.recipe, clip_norm=1e9)), []
    for factor in (1.0, 2.0**-60):
        trainer = make(backend, free, "float32")
        for seed in range(3):
            generator = np.random.default_rng(seed)
            trained = {n: p for n, p in plan.initial(0).items() if n not in plan.router_biases()}
            drawn = {n: np.float32(factor * generator.normal(size=p.shape)) for n, p in trained.items()}
            trainer.apply(drawn, 1e-2)
        ends.append(trainer.read())
    for name, value in plan.initial(0).items():
        if plan.is_hidden(name, value):
            assert np.array_equal(ends[0][f"model.{name}"], ends[1][f"model.{name}"])
            assert not np.array_equal(ends[0][f"model.{name}"], value)
