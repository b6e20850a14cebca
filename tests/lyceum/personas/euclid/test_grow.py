"""E11, the gnomon: the same function to rounding, gradients at once, moments, cost, and resumed runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyceum import personas
from lyceum.corpus.batches import train_batch
from lyceum.personas import PersonaError
from lyceum.personas.euclid.grow import Gnomon
from lyceum.personas.euclid.grow.border import Border
from lyceum.personas.model import forward
from lyceum.personas.spec.plan import Plan
from parity.project import trainers
from parity.project.tiny_models import tiny_corpus, tiny_plan
from tests.support.assertions import same_state
from train_mps import FIXED

BACKENDS = tuple(trainers.BACKENDS)
AT, STEPS = 6, 12
NEW = {  # rows that write, of the tiny plan: {the end of a parameter's name: (axis, first, last) of them}
    "embedding": (1, 8, 16),
    "out.weight": (0, 8, 16),
    "down.weight": (0, 8, 16),
    "up.weight": (0, 42 + 21, 84),
    "qkv.weight": (0, 40, 48),
    "motion.weight": (0, 8, 16),
}

SLOW = dict(marks=pytest.mark.slow)
# The checkpoint just before the growth and just after it, each in one backend by default.
STOPS = [("torch", AT - 1), ("mlx", AT), *(pytest.param(backend, AT + 1, **SLOW) for backend in BACKENDS)]
STOPS += [pytest.param("mlx", AT - 1, **SLOW), pytest.param("torch", AT, **SLOW)]
CROSSINGS = [(backend, AT - 1) for backend in BACKENDS]
CROSSINGS += [pytest.param(backend, AT + 1, **SLOW) for backend in BACKENDS]


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Two blocks, attention and the rigid motion, of width 8 at first; 16 from iteration 6 of 12 on."""
    return tiny_plan("euclid", steps=STEPS, systems=personas.compose("euclid", ["grow"], ["sparse"]))


def batch(plan: Plan, step: int = 0) -> tuple:
    """What iteration `step` gets: ids, targets, noise."""
    ids, targets = train_batch(tiny_corpus(), 0, step, plan.fixed.batch_size, plan.fixed.block_size)
    return ids, targets, plan.noise(0, step)


def trained(backend: str, plan: Plan, steps: int = AT, dtype: str = "float32"):
    """A trainer after so many steps."""
    trainer = trainers.make(backend, plan, dtype)
    trainers.run(trainer, plan, tiny_corpus(), range(steps))
    return trainer


def written(name: str, x: np.ndarray) -> np.ndarray:
    """The new entries of a parameter that write, as rows."""
    axis, first, last = next(where for end, where in NEW.items() if name.endswith(end))
    return np.moveaxis(x, axis, 0)[first:last]


def test_a_border_by_hand():
    border = Border(((2,), (2,)), ((3,), (3,)), (0, 0))
    old, drawn = np.array([[1.0, 2.0], [3.0, 4.0]]), 5.0 * np.ones((3, 3))
    assert border({}, old, drawn).tolist() == [[1, 2, 5], [3, 4, 5], [0, 0, 0]]


def test_the_schedule_and_the_sizes(plan):
    assert plan.growth_steps() == (AT,) and [plan.width(step) for step in (0, AT - 1, AT, STEPS)] == [8, 8, 16, 16]
    assert plan.skeleton.blocks[0].mixer.spec.n_head == 2 and plan.grown.skeleton.blocks[0].mixer.spec.n_head == 4
    assert {x.shape[-1] for x in plan.noise(0, AT - 1).values()} == {8}
    assert {x.shape[-1] for x in plan.noise(0, AT).values()} == {16}
    full = personas.plan("euclid", FIXED, None, tables=plan.tables, systems=plan.systems)
    assert (full.width(), full.width(FIXED.max_iters), full.growth_steps()) == (16, 32, (5000,))
    assert full.grown.initial(0).keys() == full.initial(0).keys()
    assert full.grown.fixed.n_embd == FIXED.n_embd and full.grown.built == full.modules


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_function_is_unchanged_to_rounding(plan, backend):
    """Losses and probabilities of the narrow and of the wide model, with the memory and alone."""
    trainer = trained(backend, plan)
    ids, targets, _ = batch(plan)
    before = trainer.losses(ids, targets), trainer.laws(ids, np.array([3, 9])), trainer.uncertainty(ids)
    trainer.widen(0)
    after = trainer.losses(ids, targets), trainer.laws(ids, np.array([3, 9])), trainer.uncertainty(ids)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(other, one, rtol=4e-6)


def test_the_reference_is_unchanged(plan):
    """In float64, with the trained parameters: the losses of the wide plan are those of the narrow one."""
    trainer = trained("torch", plan, AT, "float64")
    ids, targets, _ = batch(plan)
    losses = []
    for each in (plan, plan.grown):
        values = {name[6:]: x.astype(np.float64) for name, x in trainer.read().items() if name.startswith("model.")}
        losses.append(forward.losses(each, values, ids, targets, {}))
        if each is plan:
            trainer.widen(0)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_reach_every_new_row_at_once(plan, backend):
    trainer = trained(backend, plan)
    trainer.widen(0)
    before = {name[6:]: x for name, x in trainer.read().items() if name.startswith("model.")}
    ids, targets, noise = batch(plan, AT)
    gradients = trainer.gradients(ids, targets, np.full(ids.shape, 1 / ids.size, np.float32))
    writers = [name for name in gradients if name.endswith(tuple(NEW))]
    assert len(writers) == 1 + 2 * 4
    for name in writers:
        assert (written(name, before[name]) == 0).all(), f"{name} writes"
        assert np.abs(written(name, gradients[name])).max(axis=1).all(), f"a row of {name} has no gradient"
    trainer.step(ids, targets, noise, 1e-3)
    after = {name[6:]: x for name, x in trainer.read().items() if name.startswith("model.")}
    first = 0.1 / 0.05**0.5 * (1 - 0.95 ** (AT + 1)) ** 0.5 / (1 - 0.9 ** (AT + 1))
    for name in ("blocks.0.mlp.down.weight", "blocks.1.mlp.down.weight", "blocks.0.mixer.out.weight"):
        moved = np.abs(written(name, after[name]))
        assert 0 < moved.max() <= first * 1e-3 * 1.001, "Adam's first step with moments of 0"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_old_keeps_its_values_moments_and_count(plan, backend):
    """And both backends put the same border round it, bit for bit."""
    trainer = trained(backend, plan)
    before = trainer.read()
    trainer.widen(0)
    after = trainer.read()
    assert after["optimizer.step"] == before["optimizer.step"] == AT
    for name, (border, drawn) in Gnomon().borders(plan, 0).items():
        for part in ("model", "optimizer.m", "optimizer.v"):
            free = drawn if part == "model" else 0 * drawn
            expected = border({}, before[f"{part}.{name}"], free)
            assert after[f"{part}.{name}"].tobytes() == expected.tobytes(), f"{part}.{name}"
    assert after.keys() == before.keys() - {"growth.born"}


@pytest.mark.parametrize(("backend", "stop"), STOPS)
def test_a_run_is_continued_on_either_side_of_the_growth(plan, backend, stop):
    text = tiny_corpus()
    uninterrupted, part, rest = (trainers.make(backend, plan, "float32", seed) for seed in (0, 0, 1))
    trainers.run(uninterrupted, plan, text, range(AT + 2))
    trainers.run(part, plan, text, range(stop))
    rest.write(part.read())
    trainers.run(rest, plan, text, range(stop, AT + 2))
    same_state(uninterrupted.read(), rest.read())
    assert rest.plan.width() == 16


@pytest.mark.parametrize(("first", "stop"), CROSSINGS)
def test_a_checkpoint_goes_on_in_the_other_backend(plan, first, stop):
    text, [second] = tiny_corpus(), [backend for backend in BACKENDS if backend != first]
    uninterrupted, part = (trainers.make(first, plan, "float32") for _ in range(2))
    rest = trainers.make(second, plan, "float32", seed=1)
    trainers.run(uninterrupted, plan, text, range(STEPS))
    trainers.run(part, plan, text, range(stop))
    rest.write(part.read())
    same_state(part.read(), rest.read())
    trainers.run(rest, plan, text, range(stop, STEPS))
    for name, x in uninterrupted.read().items():
        np.testing.assert_allclose(x, rest.read()[name], atol=2e-4, err_msg=name)


def test_a_trainer_that_has_grown_takes_a_narrow_state_back(plan):
    trainer = trained("torch", plan)
    narrow = trainer.read()
    trainer.widen(0)
    trainer.write(narrow)
    same_state(trainer.read(), narrow)


def test_what_has_no_border_is_one_sentence(plan):
    with pytest.raises(PersonaError, match="'attention' and 'grow' exclude each other .it has parameters or a state"):
        personas.compose("euclid", ["grow", "attention"])
    with pytest.raises(PersonaError, match="'grow' needs 'norm'"):
        personas.compose("euclid", ["grow"], ["norm", "sparse"])
    with pytest.raises(PersonaError, match="'grow' knows no border of the mlp MLP"):
        Gnomon().modules(plan.modules | {"mlp": personas.baseline.modules(plan.fixed)["mlp"]})
    with pytest.raises(PersonaError, match="'grow' knows no border of the objective"):
        Gnomon().modules(plan.modules | {"objective": None})


def test_the_identity_of_a_run_does_not_depend_on_how_far_it_is(plan):
    assert plan.describe()["recipe"]["growth"]["at"] == 0.5
    other = replace(plan, recipe=replace(plan.recipe, growth=Gnomon(at=0.4)))
    assert other.describe() != plan.describe() != plan.grown.describe()
