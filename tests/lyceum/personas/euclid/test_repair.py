"""E14, the nearest perpendicular frame: feet, frames and motions by hand, and runs that are hurt."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum.personas.euclid.repair import Superposition
from parity.project import trainers
from parity.project.layers import evaluator
from parity.project.tiny_models import tiny_plan
from tests.support.assertions import same_state
from tests.support.hurt_runs import faults, report, run
from tests.support.turns import marked

MORE = [(), ("muon",), ("moe",)]  # systems that are enabled besides
BACKENDS = tuple(trainers.BACKENDS)
WITH = ("tokenize", "rope", "norm", "ssm", "repair", "memory")
STEPS = 32
MATRICES = UP, QKV, OUT, DOWN = (
    "blocks.0.mlp.up.weight",
    "blocks.0.mixer.qkv.weight",
    "blocks.0.mixer.out.weight",
    "blocks.1.mlp.down.weight",
)
FAULTS, REPORT = faults(*MATRICES), report(*MATRICES)


@pytest.fixture(scope="module")
def plan():
    return tiny_plan("euclid", steps=STEPS, systems=WITH)


def test_feet_of_perpendiculars_in_the_plane():
    """From (4, 3): to the line of (1, 0), of (-100, 0), of (3, 4), at right angles, and to no line at all."""
    w = np.array([[[1.0, 0.0], [-100.0, 0.0], [3.0, 4.0], [-3.0, 4.0], [0.0, 0.0]]])
    a = np.broadcast_to([4.0, 3.0], w.shape)
    foot = Superposition().foot({}, w, a)[0]
    np.testing.assert_allclose(foot, [[4, 0], [4, 0], [2.88, 3.84], [0, 0], [0, 0]], atol=1e-15)


def test_what_is_on_a_line_returns_on_it_and_what_is_not_is_carried():
    """The square turns by 90 degrees: its third side is multiplied, its fourth is lost, and all are returned."""
    a = np.array([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]]])
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    moved = a @ turn
    lost = moved.copy()
    lost[0, 3] = 0
    restored = Superposition(stiff=0.0).restore({}, lost, a, np.array([[0, 0, 0, 1]]))
    np.testing.assert_allclose(restored, moved, atol=1e-12)
    hurt = a * np.array([[[1.0], [1.0], [-3.0], [1.0]]])
    np.testing.assert_allclose(Superposition().restore({}, hurt, a, np.array([[0, 0, 1, 0]])), a, atol=1e-15)


@pytest.mark.parametrize("backend", ["reference", *BACKENDS])
def test_rows_of_extreme_size_and_without_number(backend):
    """A multiple returns to its line, up to 1e30; infinities, nan and 0 to the average, since nothing has moved."""
    a = np.random.default_rng(0).normal(size=(1, 8, 5)).astype(np.float32).astype(np.float64)
    w = a * np.array([1, 1, 1, 1e30, -1e-30, np.inf, np.nan, 0])[None, :, None]
    hurt = (np.arange(8) > 2).astype(np.int32)[None]
    with np.errstate(invalid="ignore"):
        restored = evaluator(backend, "float64" if backend == "reference" else "float32")(
            Superposition(), {}, "restore", w, a, hurt
        )
    np.testing.assert_allclose(restored, a, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("more", marked(MORE, lambda more: more == ()))
def test_on_an_unhurt_run_nothing_changes_bit_for_bit(backend, more):
    states = []
    for systems in ({*WITH, *more}, {*WITH, *more} - {"repair"}):
        plan = tiny_plan("euclid", STEPS, systems)
        trainer = trainers.make(backend, plan, "float32")
        assert run(trainer, plan, range(18)) == []
        states.append({name: x for name, x in trainer.read().items() if not name.startswith("repair.")})
    same_state(*states)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_fault_is_named_in_time_and_mended(backend, plan):
    trainer = trainers.make(backend, plan, "float32")
    assert run(trainer, plan, range(STEPS), FAULTS) == REPORT
    assert all(np.isfinite(x).all() for x in trainer.read().values())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_row_that_was_multiplied_returns_nearer_than_its_average(backend, plan):
    """A fifth of the average's distance or less: of the way since the average only what went along the line is lost."""
    trainer = trainers.make(backend, plan, "float32")
    run(trainer, plan, range(14))
    before = trainer.read()
    trainer.write(before | {f"model.{QKV}": -100 * before[f"model.{QKV}"]})
    trainer.watch.examine(13)
    after = trainer.read()
    assert [d.sort for d in trainer.watch.take_damages()] == ["exploded"]
    true, average, now = (x.astype(np.float64) for x in (before[f"model.{QKV}"], before[f"repair.average.{QKV}"],
                                                         after[f"model.{QKV}"]))  # fmt: skip
    ways = [((x - true) ** 2).sum() for x in (now, average)]
    assert 0 < ways[0] < 0.25 * ways[1]
    assert not after[f"optimizer.m.{QKV}"].any()


STOPS = [(backend, stop) for backend in BACKENDS for stop in (12, 13, 17, 18, 27)]


@pytest.mark.parametrize("where", marked(STOPS, lambda where: where == ("torch", 17)))
def test_a_run_stopped_on_either_side_of_a_repair_goes_on(where, plan):
    """Bit for bit in its backend, and in the other one with the same report."""
    backend, stop = where
    uninterrupted, part = (trainers.make(backend, plan, "float32") for _ in range(2))
    assert run(uninterrupted, plan, range(30), FAULTS) == REPORT
    first = run(part, plan, range(stop), FAULTS)
    for name in BACKENDS:
        rest = trainers.make(name, plan, "float32")
        rest.write(part.read())
        assert first + run(rest, plan, range(stop, 30), FAULTS) == REPORT
        if name == backend:
            same_state(uninterrupted.read(), rest.read())
