"""E21, the perpendicular: values by hand, its axes, and runs that never leave the level they began on."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from lyceum import personas
from lyceum.cli import main
from lyceum.corpus.batches import train_batch
from lyceum.experiments.retain import scores as first_text
from lyceum.personas.euclid.retain import SPEC, Perpendicular, axes
from lyceum.personas.euclid.retain.principal import combinations
from lyceum.personas.model.adamw import adamw
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.names import below
from lyceum.personas.spec.recipe import Recipe
from lyceum.rng import stream
from lyceum.runs import checkpoint
from lyceum.training.job import Job
from parity.project import trainers
from parity.project.full_model import torch_losses
from parity.project.tiny_models import tiny_corpus, tiny_plan
from tests.lyceum.cli.conftest import train
from tests.support.assertions import same_state

SYSTEM = next(system for system in personas.find("euclid").systems if system.retain)
SLANTED = Perpendicular({"w": np.zeros(2)}, {"w": np.array([[0.6], [0.8]])})


@pytest.fixture(scope="module")
def plan():
    """A run on a second text, with the axes of six batches at the initial values: the model alone, without memory."""
    made = tiny_plan("euclid", 20, ("tokenize", "rope", "norm", "ssm"))
    trainer = trainers.make("torch", made, "float32")
    first = {name[6:]: x for name, x in trainer.read().items() if name.startswith("model.")}
    measured = axes(first_text.scores(Job(trainer, made, tiny_corpus(), made.fixed, 3), 6, from_text=True), 64)
    spec = Perpendicular(first, {name[5:]: x for name, x in measured.items()})
    return replace(made, modules=made.modules | {"retain": spec}, recipe=replace(made.recipe, warmup_steps=0))


def test_a_foot_by_hand():
    """(3, 4) lies along (.6, .8), with length 5; (1, -1) has -.2 of it, and 1.4 of (.8, -.6)."""
    assert np.allclose(SLANTED.foot({}, np.array([3.0, 4.0])), 0)
    assert np.allclose(SLANTED.foot({}, np.array([1.0, -1.0])), [1.12, -0.84])


def test_adamw_turns_a_perpendicular_gradient_away():
    """The example of the docstring: the first step is the gradient's sign; its foot is at right angles again."""
    gradient = SLANTED.restrain({}, {"w": np.array([0.8, -0.6])}, {})["w"]
    assert np.allclose(gradient, [0.8, -0.6])
    step, *_ = adamw(np.zeros(2), 0.0, 0.0, gradient, 1, 1.0, Recipe(1.0, 1), 0.0)
    assert np.allclose(step, [-1, 1]) and step @ [0.6, 0.8] == pytest.approx(0.2)
    assert SLANTED.confine({}, {"w": step})["w"] @ [0.6, 0.8] == pytest.approx(0)


def test_parts_are_one_vector():
    parts = {name: np.random.default_rng(0).normal(size=w.shape) for name, w in SPEC.weights.items()}
    joined = SPEC.foot({}, np.concatenate([x.ravel() for x in parts.values()]))
    np.testing.assert_allclose(np.concatenate([x.ravel() for x in SPEC.feet(parts).values()]), joined, atol=1e-14)


def gradients(count: int, scales: np.ndarray) -> list[dict[str, np.ndarray]]:
    g = np.random.default_rng(3)
    flat = (g.normal(size=(count, len(scales))) * scales + 0.2).astype(np.float32)
    return [{"a": x[:6].reshape(2, 3), "b": x[6:]} for x in flat]


def test_axes_are_orthonormal_and_leave_the_least():
    """Theorem 5, against singular vectors: after the mean, what is left is the squares of the shortest axes."""
    given = gradients(12, np.linspace(4, 0.1, 20))
    flat = np.stack([np.concatenate([g["a"].ravel(), g["b"]]) for g in given]).astype(np.float64)
    made = axes(given, 1, 5)
    basis = np.concatenate([made["axes.a"].reshape(6, 5), made["axes.b"]]).astype(np.float64)
    np.testing.assert_allclose(basis.T @ basis, np.eye(5), atol=1e-6)
    mean = flat.mean(0) / np.linalg.norm(flat.mean(0))
    np.testing.assert_allclose(basis[:, 0], mean, atol=1e-6)
    left = np.linalg.svd(flat - np.outer(flat @ mean, mean), compute_uv=False)[4:]
    rest = flat - flat @ basis @ basis.T
    assert (rest**2).sum() == pytest.approx((left**2).sum(), rel=1e-5)


def test_axes_end_where_the_gradients_do():
    """Three gradients span three directions, however many are asked for, and equal ones span one."""
    given = gradients(3, np.ones(20))
    assert axes(given, 1)["axes.b"].shape == (14, 3)
    assert combinations(np.full((4, 4), 9.0), 8) == pytest.approx(np.full((4, 1), 1 / 12))


def test_a_strength_is_the_share_of_axes_that_is_used():
    tables = {"strength": np.float32(0.5), "weights.w": np.zeros(4), "axes.w": np.eye(4)}
    assert SYSTEM.build({}, None, tables)["retain"].axes["w"].shape == (4, 2)
    assert SYSTEM.build({}, None, {"strength": np.float32(0)}) == {}
    with pytest.raises(PersonaError, match="lyceum retain RUN makes one"):
        SYSTEM.build({}, None, {})


def along(spec: Perpendicular, state: dict[str, np.ndarray]) -> np.ndarray:
    """How far the weights of a state have moved along each axis, (k,)."""
    moved = {name: state[f"model.{name}"] - w.astype(np.float64) for name, w in spec.weights.items()}
    return sum(spec.axes[name].reshape(x.size, -1).T.astype(np.float64) @ x.ravel() for name, x in moved.items())


def trained(backend: str, plan, steps: range, start: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The state after some iterations from another state, or from the weights of the first text."""
    trainer = trainers.make(backend, plan, "float32")
    first = {f"model.{name}": w for name, w in plan.modules["retain"].weights.items()}
    trainer.write(trainer.read() | (start or first))
    trainers.run(trainer, plan, tiny_corpus(), steps)
    return trainer.read()


@pytest.mark.parametrize("systems", [(), ("muon",)], ids=["adamw", "the compass"])
@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_whatever_the_rule_and_the_decay_nothing_moves_along_the_axes(plan, backend, systems):
    hidden = tiny_plan("euclid", 20, ("tokenize", *systems)).recipe.hidden
    plan = replace(plan, recipe=replace(plan.recipe, weight_decay=2.0, hidden=hidden))
    state = trained(backend, plan, range(8), {})
    moved = sum(np.square(state[f"model.{name}"] - w).sum() for name, w in plan.modules["retain"].weights.items())
    assert np.abs(along(plan.modules["retain"], state)).max() < 2e-6 < 0.05 < moved**0.5


def test_without_it_the_weights_move_along_the_axes(plan):
    spec = plan.modules["retain"]
    free = replace(plan, modules={name: module for name, module in plan.modules.items() if name != "retain"})
    trainer = trainers.make("torch", free, "float32")
    trainer.write(trainer.read() | {f"model.{name}": w for name, w in spec.weights.items()})
    trainers.run(trainer, free, tiny_corpus(), range(8))
    assert np.abs(along(spec, trainer.read())).max() > 0.01


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_a_run_that_is_stopped_goes_on_bit_for_bit(plan, backend):
    uninterrupted = trained(backend, plan, range(8), {})
    same_state(uninterrupted, trained(backend, plan, range(5, 8), trained(backend, plan, range(5), {})))


def test_a_checkpoint_crosses_the_backends(plan):
    half = trained("mlx", plan, range(5), {})
    ends = [trained(backend, plan, range(5, 9), deepcopy(half)) for backend in trainers.BACKENDS]
    for name, x in ends[0].items():
        np.testing.assert_allclose(x, ends[1][name], atol=2e-4, err_msg=name)


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_targets_of_the_text_give_the_gradient_of_the_log_likelihood(plan, backend):
    job = Job(trainers.make(backend, plan, "float32"), plan, tiny_corpus(), plan.fixed, 3)
    (summed,) = first_text.scores(job, 1, from_text=True)
    batch, parameters = train_batch(job.corpus, 3, 0, 4, 16), plan.initial(0)
    given = ({name: np.asarray(x, np.float64) for name, x in parameters.items()}, *batch, {})
    expected = torch_losses(plan, given, -np.ones((4, 16)), torch.float64)
    for name, g in summed.items():
        np.testing.assert_allclose(g, expected[name].numpy(), atol=1e-5 * np.abs(g).max(), rtol=0, err_msg=name)
    assert first_text.tokens(job, from_text=True) == 64


def test_the_first_text_is_level_to_first_order(plan):
    """The loss over the measured batches changes with the square of a step, and along u_0 in proportion to it."""
    trainer, spec = trainers.make("torch", plan, "float64"), plan.modules["retain"]
    batches = [train_batch(tiny_corpus(), 3, i, 4, 16) for i in range(6)]

    def loss(step: dict[str, np.ndarray], length: float) -> float:
        moved = {f"model.{name}": np.asarray(spec.weights[name] + length * x) for name, x in step.items()}
        trainer.write(trainer.read() | moved)
        return sum(trainer.losses(*batch).sum(dtype=np.float64) for batch in batches)

    g = np.random.default_rng(0)
    level = spec.feet({name: g.normal(size=w.shape) for name, w in spec.weights.items()})
    steep = {name: 100 * u[..., 0].astype(np.float64) for name, u in spec.axes.items()}
    before = loss(level, 0.0)
    changes = [[loss(step, length) - before for length in (0.0025, 0.00125)] for step in (level, steep)]
    ratios = [one / other for one, other in changes]
    assert ratios == [pytest.approx(4, rel=0.1), pytest.approx(2, rel=0.1)]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run of Euclid's line on a short text."""
    return train(tmp_path_factory.mktemp("euclid"), "euclid", systems=("tokenize",))


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """Another short text."""
    folder = tmp_path_factory.mktemp("second")
    for name, length in (("train.bin", 900), ("val.bin", 300)):
        ids = stream(1, f"test-{name}").zipf(1.2, length) % 50257
        (folder / name).write_bytes(ids.astype("<u2").tobytes())
    return folder


@pytest.mark.slow
def test_the_command_continues_a_run_and_resumes_in_the_other_backend(first, second, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(first_text.scores, "__defaults__", (3,))
    out = tmp_path / "out"
    command = ["retain", str(first), "--text", str(second), "--out", str(out), "--device", "cpu"]
    assert main([*command, "--strength", "2"]) == 2
    assert "euclid's strength is a share, of at most 1, got 2.0." in capsys.readouterr().err
    assert main([*command, "--steps", "2", "--backend", "torch"]) == 0
    assert main([*command, "--steps", "3", "--backend", "mlx"]) == 0
    header, arrays = checkpoint.read(out / "retain" / checkpoint.FILE_NAME)
    made = {name[7:]: x for name, x in arrays.items() if name.startswith("tables.")}
    spec = SYSTEM.build({}, None, below(made, "retain"))
    assert header["step"] == 3 and made["retain.strength"] == 1
    assert all(x.shape[-1] == 3 for x in spec["retain"].axes.values())
    assert np.abs(along(spec["retain"], arrays)).max() < 1e-6
    rows = json.loads((out / "retain.json").read_text())["tables"]["the weights alone"]
    assert [row["name"] for row in rows] == ["before", "plain", "retain", "retain less plain"]
