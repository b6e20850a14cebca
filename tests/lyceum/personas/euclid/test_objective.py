"""E22, the angle: values by hand, its gradient and its bound, its end, and that generation does not know it."""

from __future__ import annotations

from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lyceum import personas
from lyceum.personas.euclid.objective import STEEPEST, Angle
from lyceum.personas.euclid.tokenize.angle import cosine
from lyceum.personas.model import forward
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.skeleton import OBJECTIVES
from lyceum.personas.spec.system import changes
from parity.project import trainers
from parity.project.tiny_models import tiny_corpus, tiny_plan
from tests.support.assertions import same_state

SPEC = Angle()


@pytest.fixture(scope="module")
def plan():
    return tiny_plan("euclid", steps=20, systems=changes(personas.find("euclid"))["objective"])


def test_the_cosine_by_hand():
    """The triangle 3, 4, 5: the law (3, 4) / 7 is at cosines 3/5 and 4/5 to the axes."""
    log_p = np.log(np.array([[3, 4], [3, 4], [1, 1]]) / np.array([[7], [7], [2]]))
    np.testing.assert_allclose(cosine(log_p, np.array([0, 1, 0])), [0.6, 0.8, 0.5**0.5], rtol=1e-15)


def test_losses_by_hand():
    """log p = -2, cosines 0.6 and 0.8: a quarter of the way from the log loss, 2, to the angles, 0.6."""
    answers, ids = np.array([[[-2.0, 0.6, 0.8]]]), np.zeros((1, 1), int)
    added = SPEC.losses({}, answers, ids, ids, np.array(0.25))
    np.testing.assert_allclose(2 + added, 0.75 * 2 + 0.25 * 0.6, rtol=1e-15)


def test_the_gradient_is_that_of_the_docstring_and_bounded():
    """S (e_i - softmax(2 z)) in the logits: longest, 0.5443, at S^2 = 1/3 of two outcomes, and 0 for the hopeless."""
    z = torch.tensor([[0.3, -1.0, 0.4], [0.0, np.log(2) / 2, -60.0], [-40.0, 0.0, 1.0]]).double().requires_grad_()
    score = F.softmax(z, 1)[:, 0] / F.softmax(z, 1).norm(dim=1)
    [gradient] = torch.autograd.grad(score.sum(), z)
    axis = torch.tensor([1.0, 0, 0]).double()
    expected = score[:, None] * (axis - F.softmax(2 * z, 1))
    torch.testing.assert_close(gradient, expected.detach())
    lengths = gradient.norm(dim=1).tolist()
    assert lengths[1] == pytest.approx(STEEPEST, rel=1e-12) and lengths[0] < STEEPEST and lengths[2] < 1e-15


def test_a_hopeless_token_does_not_pull():
    """Where the target is thought impossible the log loss pulls with sqrt(2), the angle in both backends not at all."""

    def torch_score(z):
        return torch.exp(-F.cross_entropy(2 * z, torch.tensor([0]), reduction="none") / 2).sum()

    def mlx_score(z):
        return mx.exp(-(mx.logsumexp(2 * z) - 2 * z[0]) / 2)

    z = torch.tensor([[-30.0, 0.0]], requires_grad=True)
    [slope] = torch.autograd.grad(torch_score(z), z)
    [log_slope] = torch.autograd.grad(F.cross_entropy(z, torch.tensor([0])), z)
    assert slope.norm() < 1e-12 and log_slope.norm() == pytest.approx(2**0.5)
    assert mx.abs(mx.grad(mlx_score)(mx.array([-30.0, 0.0]))).max().item() < 1e-12


def test_the_logarithm_of_the_score_is_not_proper():
    """Its expectation is least at p ~ sqrt(q), not at q."""
    q = np.array([0.1, 0.2, 0.7])

    def expected(p):
        return -q @ np.log(p / np.linalg.norm(p))

    root = np.sqrt(q) / np.sqrt(q).sum()
    assert expected(root) < expected(q) - 0.01


def test_the_weight_falls_to_zero_and_stays(plan):
    weights = [plan.objective_weights(step)["objective"] for step in range(20)]
    assert weights[0] == 1 and weights[5] == 0.5 and set(weights[10:]) == {0.0}
    assert "objective" in plan.noise(0, 9) and "objective" not in plan.noise(0, 10)


def test_without_a_weight_the_losses_are_the_log_loss_to_the_last_bit(plan):
    batch = np.arange(64, dtype=np.int32).reshape(4, 16) % 97
    parameters, noise = plan.initial(0), plan.noise(0, 10)
    with_it = forward.losses(plan, parameters, batch, batch, noise)
    modules = {name: spec for name, spec in plan.modules.items() if name not in OBJECTIVES}
    assert (with_it == forward.losses(replace(plan, modules=modules), parameters, batch, batch, noise)).all()


def test_it_needs_the_head_that_divides():
    with pytest.raises(PersonaError, match="'objective' needs 'tokenize'"):
        personas.compose("euclid", ("objective",), ("tokenize", "memory"))


@pytest.mark.slow
@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_a_run_is_continued_on_either_side_of_its_end(plan, backend):
    text, uninterrupted = tiny_corpus(), trainers.make(backend, plan, "float32")
    trainers.run(uninterrupted, plan, text, range(14))
    for stop in (8, 10, 12):
        part, rest = (trainers.make(backend, plan, "float32") for _ in range(2))
        trainers.run(part, plan, text, range(stop))
        rest.write(part.read())
        trainers.run(rest, plan, text, range(stop, 14))
        same_state(uninterrupted.read(), rest.read())


def test_the_backends_end_alike(plan):
    states = []
    for backend in trainers.BACKENDS:
        trainer = trainers.make(backend, plan, "float32")
        trainers.run(trainer, plan, tiny_corpus(), range(14))
        states.append(trainer.read())
    for name, x in states[0].items():
        np.testing.assert_allclose(x, states[1][name], atol=2e-4, err_msg=name)
