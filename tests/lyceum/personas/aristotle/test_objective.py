"""A22, the final cause: values by hand, its gradient, its end, and that generation does not know it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lyceum import personas
from lyceum.personas.aristotle.objective import FinalCause
from lyceum.personas.model import forward
from lyceum.personas.spec.skeleton import OBJECTIVES
from lyceum.personas.spec.system import changes
from parity.project import trainers
from parity.project.tiny_models import tiny_corpus, tiny_plan
from tests.support.assertions import same_state

SPEC = FinalCause(2, ahead=0.5, contradiction=1.0, every=2)


@pytest.fixture(scope="module")
def plan():
    return tiny_plan("aristotle", steps=20, systems=changes(personas.find("aristotle"))["objective"])


def test_questions_by_hand():
    x = np.arange(8.0).reshape(1, 4, 2)
    states, wanted = SPEC.ask({"ahead.weight": np.eye(2)}, x, np.array([[1, 2, 3, 4]]), np.array([[2, 3, 4, 5]]))
    assert states.tolist() == [[[[0, 2], [8, 10]], [[0, 1], [4, 5]]]]
    assert wanted.tolist() == [[[3, 5], [1, 3]]]


def test_losses_by_hand():
    """At position 0: 0.7 * 2 * (0.5 * 3 + log 2), the second since p = 1/2 contradicts; at 2 the token repeats."""
    answers = np.array([[[-3.0, -1.0], [np.log(0.5), np.log(0.5)]]])
    ids, targets = np.array([[1, 1, 1, 1]]), np.array([[2, 2, 1, 1]])
    got = SPEC.losses({}, answers, ids, targets, np.array(0.7))
    np.testing.assert_allclose(got, [[1.4 * (1.5 + np.log(2)), 0, 1.4 * 0.5, 0]], rtol=1e-15)


def test_the_gradient_of_the_first_question_is_p_less_q():
    """Strictly proper: in the logits of p it is p - q, which vanishes at p = q alone."""
    q, logits = torch.tensor([0.1, 0.2, 0.7]).double(), torch.tensor([0.3, -1.0, 0.4]).double().requires_grad_()
    log_p = torch.log_softmax(logits, 0)
    expected = -(q * log_p).sum()  # E A, as theorem 1 has it
    [gradient] = torch.autograd.grad(expected, logits)
    torch.testing.assert_close(gradient, log_p.exp().detach() - q)


def test_a_contradiction_alone_is_not_proper():
    """Whatever the truth, the loss falls as p(w_t) falls."""
    spec, ids = replace(SPEC, ahead=0.0), np.array([[0, 0]])

    def expected(p: float) -> float:
        answers = np.log(np.array([[[0.5], [p]]]))
        return spec.losses({}, answers, ids, ids + 1, np.array(1.0))[0, 0]

    assert expected(0.01) < expected(0.1) < expected(0.5)


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


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_a_run_is_continued_on_either_side_of_its_end(plan, backend):
    """Bit for bit in one backend; the questions' moments fade where nothing is asked, in both alike."""
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
