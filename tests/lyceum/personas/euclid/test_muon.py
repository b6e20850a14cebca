"""E7 as an optimizer: a step by hand, 10,000 steps on the circle, its state, extreme sizes, and its cost."""

from __future__ import annotations

import time
from collections.abc import Callable

import mlx.core as mx
import mlx.optimizers
import numpy as np
import pytest
import torch

import mlx_impl.stacked
import torch_ref.stacked
from lyceum import personas
from lyceum.bench.alternate import alternate, ratio_interval
from lyceum.personas.euclid.muon import Compass
from mlx_impl.euclid.muon import Compass as MlxCompass
from parity import check_optimizer
from parity.project.layers import evaluator
from parity.project.tiny_models import tiny_corpus, trained_plans
from parity.project.trainers import BACKENDS, make, run
from torch_ref.euclid.muon import Compass as TorchCompass
from train_mps import FIXED

SPEC = Compass(rate=3.0, momentum=0.9)
STEPS = 10_000


@pytest.fixture(scope="module")
def plan():
    return trained_plans()["euclid with muon"]


def hidden(plan) -> dict[str, np.ndarray]:
    """The initial values of the matrices that follow the rule."""
    return {name: value for name, value in plan.initial(0).items() if plan.is_hidden(name, value)}


def lengths(w: np.ndarray) -> np.ndarray:
    return np.linalg.norm(w.astype(np.float64), axis=(1, 2))


def test_a_step_by_hand():
    """On a circle of radius 5 in the plane: a sixth of a turn away from the momentum, whatever it has along W."""
    w, m = np.array([[5.0, 0.0]]), np.array([[7.0, 1e-3]])
    turned, momentum, radius = Compass(rate=1.0, momentum=1.0).update(w, m, 0.0, 0 * m, np.pi / 3)
    np.testing.assert_allclose(turned, [[2.5, -5 * 3**0.5 / 2]], rtol=1e-12)
    assert np.array_equal(momentum, m) and radius == 5


def test_arrays_and_tensors_take_the_same_code():
    w, m, g = np.random.default_rng(0).normal(size=(3, 5, 3))
    arrays = SPEC.update(w, m, np.array(2.0), g, 0.1)
    tensors = SPEC.update(*map(torch.from_numpy, (w, m, np.array(2.0), g)), 0.1)
    for a, b in zip(arrays, tensors, strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-12)


def repeated(backend: str, w: np.ndarray, gradients: np.ndarray, rates: np.ndarray):
    """W (n, r, c) float32 after each of so many steps; the gradients take turns."""
    zero, radius = np.zeros_like(w), np.zeros(len(w), np.float32)
    if backend == "torch":
        rule = TorchCompass(**vars(SPEC))
        w, m, radius, *gradients = (torch.from_numpy(x) for x in (w, zero, radius, *gradients))
    else:
        rule = mx.compile(MlxCompass(**vars(SPEC)))
        w, m, radius, *gradients = (mx.array(x) for x in (w, zero, radius, *gradients))
        rates = [mx.array(lr, mx.float32) for lr in rates]
    for t, lr in enumerate(rates):
        w, m, radius = rule(w, m, radius, gradients[t % len(gradients)], lr)
        yield w.numpy() if backend == "torch" else np.array(w)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_length_and_angle_over_10000_steps(backend):
    """Neither drifts: the length is constant to 1e-6, and every step turns by rate * lr to 1e-6 radians."""
    generator = np.random.default_rng(0)
    start, gradients = np.float32(generator.normal(0, 0.02, (2, 32, 96))), generator.normal(size=(7, 2, 32, 96))
    rates = generator.uniform(1e-3, 0.05, STEPS)
    before, off, missed = start, [], []
    for lr, w in zip(rates, repeated(backend, start, np.float32(gradients), rates), strict=True):
        off.append(lengths(w) / lengths(start) - 1)
        chord = lengths(w.astype(np.float64) - before) / lengths(start)
        missed.append(2 * np.arcsin(chord / 2) - SPEC.rate * lr)
        before = w
    assert np.abs(off).max() < 1e-6
    assert np.abs(missed).max() < 1e-6


def test_both_backends_keep_the_radius(plan):
    """It is measured at the first step, and not again; all other parameters have Adam's two moments."""
    for backend in BACKENDS:
        trainer = make(backend, plan, "float32")
        assert not any(value for name, value in trainer.read().items() if name.startswith("optimizer.radius"))
        run(trainer, plan, tiny_corpus(), range(3))
        state, matrices = trainer.read(), hidden(plan)
        radii = {n.removeprefix("optimizer.radius.") for n in state if n.startswith("optimizer.radius.")}
        assert radii == matrices.keys()
        assert {n.removeprefix("optimizer.v.") for n in state if n.startswith("optimizer.v")}.isdisjoint(matrices)
        for name, value in matrices.items():
            length = np.linalg.norm(value.astype(np.float64))
            assert not np.array_equal(state[f"model.{name}"], value)
            np.testing.assert_allclose(np.linalg.norm(state[f"model.{name}"].astype(np.float64)), length, rtol=1e-6)
            np.testing.assert_allclose(state[f"optimizer.radius.{name}"], length, rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_gradient_leaves_the_matrices(backend, plan):
    """As at the first step of a model whose head starts at 0."""
    trainer = make(backend, plan, "float32")
    trainer.apply({name: np.zeros_like(p) for name, p in plan.initial(0).items()}, 1e-2)
    assert all(np.array_equal(trainer.read()[f"model.{name}"], value) for name, value in hidden(plan).items())


@pytest.mark.parametrize("backend", ("reference", *BACKENDS))
def test_extreme_sizes(backend):
    """Nothing over- or underflows: matrices and gradients of 1e-30 and 1e30 turn as those of size 1."""
    sizes = np.array([2.0**-100, 1, 2.0**100])[:, None, None]
    w, g = np.random.default_rng(0).normal(size=(2, 1, 4, 5)) * sizes
    inputs = w, 0 * g, np.zeros(3), g, np.array(0.1)
    turned, *_ = evaluator(backend, "float32")(SPEC, {}, "__call__", *inputs)
    shapes = turned / lengths(w)[:, None, None]
    np.testing.assert_allclose(shapes, shapes[1:2].repeat(3, 0), atol=1e-6)
    assert np.abs(shapes - w / lengths(w)[:, None, None]).max() > 1e-2


@pytest.mark.parametrize("absent", [None, "nothing"])
def test_under_the_public_optimizer_check(absent):
    """The pair passes the check that is open to any pair of optimizers; gradients of all sizes, zeros included."""
    findings = check_optimizer(
        mlx=mlx_impl.stacked.Stacked(MlxCompass(**vars(SPEC)), 1e-2),
        torch=lambda parameters: torch_ref.stacked.Stacked(parameters, TorchCompass(**vars(SPEC)), 1e-2),
        name="E7",
        steps=12,
        shapes={"a": (6, 4), "b": (6, 4), "wide": (3, 8), "column": (5, 1)},
        absent=absent,
    )
    assert findings.ok, [verdict.sentence() for verdict in findings.failures][:3]
    assert {v.what for v in findings} >= {"a.m @12", "a.radius @12", "wide @1"} and not findings.limitations


def torch_step(make_optimizer: Callable, values: dict, gradients: dict) -> Callable[[int], None]:
    parameters = [torch.nn.Parameter(torch.from_numpy(value.copy())) for value in values.values()]
    for p, g in zip(parameters, gradients.values(), strict=True):
        p.grad = torch.from_numpy(g)
    optimizer = make_optimizer(parameters)
    return lambda _: optimizer.step()


def mlx_step(optimizer: mlx.optimizers.Optimizer, values: dict, gradients: dict) -> Callable[[int], None]:
    values, gradients = ({name: mx.array(x) for name, x in arrays.items()} for arrays in (values, gradients))
    optimizer.init(values)
    state = [values, optimizer.state]

    def update():
        values.update(optimizer.apply_gradients(gradients, values))

    compiled = mx.compile(update, state, state)

    def step(_: int) -> None:
        compiled()
        mx.eval(state)

    return step


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_step_costs_at_most_half_as_much_again_as_the_librarys_muon(backend):
    """All hidden matrices at the contract's sizes, in processor time, which other processes do not affect."""
    values = hidden(personas.plan("euclid", FIXED, None, {}, ("muon",)))
    gradients = {name: np.float32(np.random.default_rng(0).normal(size=p.shape)) for name, p in values.items()}
    if backend == "torch":
        makers = {
            "compass": lambda parameters: torch_ref.stacked.Stacked(parameters, TorchCompass(**vars(SPEC)), 1e-3),
            "library": lambda parameters: torch.optim.Muon(parameters, lr=1e-3),
        }
        steps = {name: torch_step(maker, values, gradients) for name, maker in makers.items()}
    else:
        rule = mlx_impl.stacked.Stacked(MlxCompass(**vars(SPEC)), 1e-3)
        optimizers = {"compass": rule, "library": mlx.optimizers.Muon(1e-3)}
        steps = {name: mlx_step(optimizer, values, gradients) for name, optimizer in optimizers.items()}
    taken = alternate(steps, rounds=15, steps=10, clock=time.process_time)
    ratio, low, high = ratio_interval(taken["compass"], taken["library"])
    median = 1e3 * np.median(taken["compass"])
    print(f"\n{backend}: {median:.2f} ms, {ratio:.2f} ({low:.2f} to {high:.2f}) of the library's")
    assert ratio <= 1.5
