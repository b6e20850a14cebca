"""A11, potentiality and act: the same function to the last bit, the arg max, moments and counts, resumed runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyceum.corpus.batches import train_batch
from lyceum.personas.aristotle.grow import Growth
from lyceum.personas.model import forward
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.plan import Plan
from parity.project import trainers
from parity.project.tiny_models import tiny_corpus, tiny_plan
from tests.support.assertions import same_state

BACKENDS = tuple(trainers.BACKENDS)
SYSTEMS = ("tokenize", "rope", "memory", "grow")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Four blocks, of which the outer two wait; they enter before iterations 6 and 12 of 20."""
    two = tiny_plan("aristotle", steps=20, systems=SYSTEMS)
    return replace(two, fixed=replace(two.fixed, n_layer=4))


def batch(plan: Plan, step: int = 0) -> tuple:
    """What iteration `step` gets: ids, targets, noise."""
    ids, targets = train_batch(tiny_corpus(), 0, step, plan.fixed.batch_size, plan.fixed.block_size)
    return ids, targets, plan.noise(0, step)


def test_the_schedule():
    growth = Growth()
    assert growth.waiting(4) == (0, 3) and growth.waiting(2) == (1,) and growth.waiting(1) == ()
    assert growth.steps(4, 10_001) == (3000, 6001) and growth.steps(2, 20) == (6,)
    with pytest.raises(PersonaError, match="4 blocks wait, but only 2 growths"):
        growth.steps(8, 100)


def test_the_greatest_potential_is_chosen_and_of_equals_the_first():
    assert Growth().choose({3: 2.0, 0: 1.0}) == 3 and Growth().choose({3: 2.0, 0: 2.0}) == 0


def test_what_waits_changes_no_bit_of_the_reference(plan):
    """Theorem 1: the model with all blocks is the model without those that wait."""
    ids, targets, noise = batch(plan)
    parameters = {name: x.astype(np.float64) for name, x in plan.initial(0).items()}
    ungrown = replace(plan, recipe=replace(plan.recipe, growth=None))
    assert len(ungrown.skeleton.active) == 4 and len(plan.skeleton.active) == 2
    left_out, computed = (forward.losses(each, parameters, ids, targets, noise) for each in (plan, ungrown))
    assert left_out.tobytes() == computed.tobytes()


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_entry_changes_no_bit_of_the_function(plan, backend):
    trainer, text = trainers.make(backend, plan, "float32"), tiny_corpus()
    trainers.run(trainer, plan, text, range(6))
    ids, targets, _ = batch(plan)
    before = trainer.losses(ids, targets)
    for block in (3, 0):
        trainer.activate(block)
        assert trainer.losses(ids, targets).tobytes() == before.tobytes()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_block_with_the_greatest_gradient_enters(plan, backend):
    """Against finite differences of the reference: the loss's slope in every output matrix of a block that waits."""
    trainer = trainers.make(backend, plan, "float32")
    trainers.run(trainer, plan, tiny_corpus(), range(6))
    ids, targets, noise = batch(plan, 6)
    got = trainer.potentials(ids, targets, noise)
    assert set(got) == {0, 3} and trainer.model.skipped == {0, 3}
    values = {name[6:]: x.astype(np.float64) for name, x in trainer.read().items() if name.startswith("model.")}
    ungrown = replace(plan, recipe=replace(plan.recipe, growth=None))
    generator = np.random.default_rng(0)
    for block, norm in got.items():
        names = [n for n in values if n.startswith(f"blocks.{block}.") and n.endswith(Growth.outputs)]
        # The slopes along random directions estimate the norm: E (g . r)^2 = |g|^2 for a standard normal r.
        slopes = []
        for _ in range(40):
            moves = {name: generator.normal(size=values[name].shape) for name in names}
            ends = [
                forward.losses(
                    ungrown, values | {n: values[n] + h * moves[n] for n in names}, ids, targets, noise
                ).mean()
                for h in (-1e-5, 1e-5)
            ]
            slopes.append((ends[1] - ends[0]) / 2e-5)
        assert np.sqrt(np.mean(np.square(slopes))) == pytest.approx(norm, rel=0.4)
    Growth().grow(trainer, ids, targets, noise, 0)
    assert trainer.model.skipped == {min(got, key=got.get)}


@pytest.mark.parametrize("backend", BACKENDS)
def test_moments_of_the_others_are_untouched_and_the_new_block_counts_for_itself(plan, backend):
    trainer, text = trainers.make(backend, plan, "float32"), tiny_corpus()
    trainers.run(trainer, plan, text, range(6))
    before = trainer.read()
    trainer.activate(3)
    after = trainer.read()
    assert after["growth.born"].tolist() == [-1, 0, 0, 6] and before["growth.born"].tolist() == [-1, 0, 0, -1]
    same_state(*({name: x for name, x in state.items() if name != "growth.born"} for state in (before, after)))
    # Adam's first step is lr in every element that has a gradient: the corrections are those of a first step.
    ids, targets, noise = batch(plan, 6)
    trainer.step(ids, targets, noise, 1e-3)
    moved = np.abs(trainer.read()["model.blocks.3.mlp.down.weight"])
    assert np.median(moved) == pytest.approx(1e-3, rel=1e-3)
    waiting = [name for name in before if name.startswith(("model.blocks.0.", "optimizer.m.blocks.0."))]
    same_state({n: before[n] for n in waiting}, {n: trainer.read()[n] for n in waiting})


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stop", [5, 6, 7, 12])
def test_a_run_is_continued_on_either_side_of_a_growth(plan, backend, stop):
    """Bit for bit, with the other block waiting, count and moments; and it ends with all blocks."""
    text = tiny_corpus()
    uninterrupted, part, rest = (trainers.make(backend, plan, "float32") for _ in range(3))
    trainers.run(uninterrupted, plan, text, range(14))
    trainers.run(part, plan, text, range(stop))
    rest.write(part.read())
    trainers.run(rest, plan, text, range(stop, 14))
    same_state(uninterrupted.read(), rest.read())
    assert not rest.model.skipped and set(rest.read()["growth.born"].tolist()) == {0, 6, 12}


@pytest.mark.parametrize("first", BACKENDS)
def test_a_checkpoint_from_before_a_growth_goes_on_in_the_other_backend(plan, first):
    text, [second] = tiny_corpus(), [backend for backend in BACKENDS if backend != first]
    uninterrupted, part, rest = (trainers.make(backend, plan, "float32") for backend in (first, first, second))
    trainers.run(uninterrupted, plan, text, range(14))
    trainers.run(part, plan, text, range(5))
    rest.write(part.read())
    same_state(part.read(), rest.read())
    trainers.run(rest, plan, text, range(5, 14))
    one, other = uninterrupted.read(), rest.read()
    assert one["growth.born"].tolist() == other["growth.born"].tolist()
    for name, x in one.items():
        np.testing.assert_allclose(x, other[name], atol=2e-4, err_msg=name)
