"""A14, the form persists: the projection, the reach of the optimizers, and runs that are hurt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyceum.personas.aristotle.muon import Muon
from lyceum.personas.aristotle.repair import Form
from lyceum.personas.euclid.muon import Compass
from lyceum.personas.model import optimizer
from lyceum.personas.model.adamw import adamw, adamw_reach
from lyceum.personas.spec.recipe import Recipe
from lyceum.runs import checkpoint
from lyceum.runs.folder import RunFolder
from lyceum.training import loop
from lyceum.training.console import Console
from lyceum.training.job import Job
from lyceum.training.progress import Progress
from parity.project import trainers
from parity.project.tiny_models import tiny_corpus, tiny_plan
from tests.support.assertions import same_state
from tests.support.hurt_runs import faults, report, run
from tests.support.turns import marked

MORE = [(), ("muon", "ssm"), ("moe", "grow"), ("sparse", "superpose")]  # systems that are enabled besides
BACKENDS = tuple(trainers.BACKENDS)
WITH = ("tokenize", "rope", "memory", "repair")
STEPS = 40
MATRICES = UP, QKV, OUT, HEAD = (
    "blocks.0.mlp.up.weight",
    "blocks.1.mixer.qkv.weight",
    "blocks.0.mixer.out.weight",
    "vocabulary.head_species",
)
FAULTS, REPORT = faults(*MATRICES), report(*MATRICES)


@pytest.fixture(scope="module")
def plan():
    return tiny_plan("aristotle", steps=STEPS, systems=WITH)


def test_a_diagonal_matrix_is_clipped_entry_by_entry():
    w = np.diag([3.0, 0.5, 1.0, 0.0])[None]
    np.testing.assert_allclose(Form().clip({}, w), np.diag([1, 0.5, 1, 0])[None], atol=1e-6)


def test_the_default_number_of_steps_is_that_of_the_docstring():
    """At most about 1.4^-n |W W^T - 1|_F is wrong, on singular values as near to 1 as they come."""
    s = np.concatenate([1 + np.logspace(-9, 1, 40), 1 - np.logspace(-9, -0.001, 40)])
    error = np.abs(Form().clip({}, np.diag(s)[None])[0] - np.diag(np.minimum(s, 1))).max()
    assert error < 1.4**-48 * np.linalg.norm(s**2 - 1)


def test_the_radius_is_a_schatten_norm_and_of_nothing_it_is_0():
    a = np.diag([3.0, 1.0])[None]
    np.testing.assert_allclose(Form(power=2).radius({}, a), (3**8 + 1) ** (1 / 8))
    assert Form().radius({}, 0 * a) == 0 and (Form().project({}, a, 0 * a) == 0).all()


def test_no_sequence_of_gradients_moves_adam_beyond_its_reach_and_one_comes_near():
    recipe, g = Recipe(peak_lr=1e-3, total_steps=1), np.random.default_rng(0)
    b1, b2 = recipe.betas
    worst = (b1 / b2) ** -np.arange(60.0)[:, None]  # equality in Cauchy's inequality
    wild = g.standard_cauchy((200, 50)) * 10.0 ** g.integers(-12, 12, (200, 1))
    for gradients, decay, least in ((worst, 0.0, 0.95), (wild, 2.0, 0.1)):
        p = m = v = np.zeros(gradients.shape[1])
        shares = []
        for k, gradient in enumerate(gradients, 1):
            before = p
            p, m, v = adamw(p, m, v, gradient, k, 1e-3, recipe, decay)
            shares.append(np.abs(p - before) / (1e-3 * adamw_reach(np.abs(before), 1, recipe, decay)))
        assert least < np.max(shares) <= 1


@pytest.mark.parametrize("rule", [Muon(rate=2.0), Compass(rate=20.0)])
def test_the_rules_for_hidden_matrices_stay_within_theirs(rule, plan):
    g = np.random.default_rng(1)
    recipe = replace(plan.recipe, hidden=rule)
    for shape in ((6, 4), (4, 6), (1, 5)):
        w = g.normal(size=shape)
        state = rule.fresh(w)
        for _ in range(20):
            before = w
            w, *values = rule.update(w, *state.values(), g.normal(size=shape) * 10.0 ** g.integers(-6, 3), 1e-2)
            state = dict(zip(state, values, strict=True))
            lengths = np.linalg.norm(before, axis=1)
            farthest = 1e-2 * optimizer.reach(replace(plan, recipe=recipe), "blocks.0.mlp.up.weight", shape, lengths)
            assert (np.linalg.norm(w - before, axis=1) <= farthest * (1 + 1e-12)).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("more", marked(MORE, lambda more: more == ()))
def test_on_an_unhurt_run_nothing_changes_bit_for_bit(backend, more):
    plans = [tiny_plan("aristotle", STEPS, {*WITH, *more} - {without}) for without in ("repair", "")]
    states = []
    for each in plans:
        trainer = trainers.make(backend, each, "float32")
        assert run(trainer, each, range(STEPS)) == []
        states.append({name: x for name, x in trainer.read().items() if not name.startswith("repair.")})
    same_state(*states)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_fault_is_named_in_time_and_mended(backend, plan):
    trainer = trainers.make(backend, plan, "float32")
    assert run(trainer, plan, range(STEPS), FAULTS) == REPORT
    assert all(np.isfinite(x).all() for x in trainer.read().values())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loss_that_is_no_number_makes_no_update_and_is_taken_again(backend, plan):
    """All that differs from the unhurt run is the row, and what it did in one step."""
    states = []
    for hurt in ({}, {12: FAULTS[12]}):
        trainer = trainers.make(backend, plan, "float32")
        run(trainer, plan, range(13), hurt)
        states.append(trainer.read())
    one, other = states
    assert one["optimizer.step"] == other["optimizer.step"]
    differences = {name: np.abs(one[name] - other[name]) for name in one if name.startswith("model.")}
    lr = plan.recipe.learning_rate(12)
    assert all(x.max() < 3 * lr for name, x in differences.items() if name != f"model.{UP}")
    assert np.delete(differences[f"model.{UP}"], 3, 0).max() < 3 * lr


@pytest.mark.parametrize("backend", BACKENDS)
def test_everything_lost_returns_from_the_averages_with_moments_0(backend, plan):
    trainer = trainers.make(backend, plan, "float32")
    run(trainer, plan, range(16))
    before = trainer.read()
    lost = {name: x * np.nan if name.startswith(("model.", "optimizer.m.")) else x for name, x in before.items()}
    trainer.write(lost)
    trainer.watch.examine(15)
    after = trainer.read()
    assert len(trainer.watch.take_damages()) == len(trainer.watch.shapes)
    for name in trainer.watch.shapes:
        average = before[f"repair.average.{name}"]
        # Projected at the average's radius, which leaves it where it is up to rounding.
        np.testing.assert_allclose(after[f"model.{name}"], average, atol=1e-5 * np.abs(average).max())
        assert not after[f"optimizer.m.{name}"].any() and not after[f"optimizer.v.{name}"].any()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stop", marked([12, 13, 16, 17, 18, 24, 27], lambda stop: stop in (13, 17)))
def test_a_run_stopped_on_either_side_of_a_repair_goes_on_bit_for_bit(backend, stop, plan):
    uninterrupted, part, rest = (trainers.make(backend, plan, "float32") for _ in range(3))
    assert run(uninterrupted, plan, range(30), FAULTS) == REPORT
    first = run(part, plan, range(stop), FAULTS)
    rest.write(part.read())
    assert first + run(rest, plan, range(stop, 30), FAULTS) == REPORT
    same_state(uninterrupted.read(), rest.read())


@pytest.mark.parametrize("stop", marked([16, 17, 22], lambda stop: stop == 17))
def test_it_goes_on_in_the_other_backend(stop, plan):
    for here, there in (BACKENDS, BACKENDS[::-1]):
        uninterrupted, part, rest = (trainers.make(name, plan, "float32") for name in (there, here, there))
        run(uninterrupted, plan, range(30), FAULTS)
        first = run(part, plan, range(stop), FAULTS)
        rest.write(part.read())
        same_state(part.read(), rest.read())
        assert first + run(rest, plan, range(stop, 30), FAULTS) == REPORT
        for name, x in uninterrupted.read().items():
            np.testing.assert_allclose(rest.read()[name], x, atol=1e-3, err_msg=name)


class HurtJob(Job):
    """Faults strike before iterations 10 and 26."""

    def update(self, step: int):
        if step in (10, 26):
            state = self.trainer.read()
            {10: FAULTS[12], 26: FAULTS[26]}[step](state)
            self.trainer.write(state)
        return super().update(step)


class Listener(Console):
    """A silent console that keeps its warnings."""

    def __init__(self):
        super().__init__(quiet=True)
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@pytest.mark.parametrize("stop", [10, 27])
def test_the_loop_reports_it_reads_no_nan_and_resumes_from_its_checkpoint(tmp_path, stop, plan):
    consoles, states = [], []
    for ends in ((30,), (stop, 30)):
        folder, header = RunFolder(tmp_path / str(len(ends))), None
        folder.path.mkdir()
        consoles.append(Listener())
        for end in ends:
            job = HurtJob(trainers.make("torch", plan, "float32"), plan, tiny_corpus(), plan.fixed, 0)
            progress = Progress(0.0, {})
            if header is not None:
                job.trainer.write(checkpoint.read(folder.checkpoint)[1])
                progress = Progress.restored(header, 0.0, {})
            loop.run(job, folder, progress, end, consoles[-1])
            header, arrays = checkpoint.read(folder.checkpoint)
        states.append(arrays)
        assert all(np.isfinite(line["train_loss"]) for line in folder.history())
    same_state(*states)
    for console in consoles:
        assert console.warnings == [
            f"iteration 10: {UP}, row 3: not numbers; restored from the running average.",
            f"iteration 27: {HEAD}, 2 rows from 5 on: flipped; restored from the running average.",
        ]


def test_the_identity_of_a_run_has_the_numbers_of_its_watch(plan):
    assert plan.describe()["modules"]["repair"] == {
        "class": "lyceum.personas.aristotle.repair.Form", "every": 2, "period": 8, "rate": 0.5, "power": 6, "steps": 48
    }  # fmt: skip
