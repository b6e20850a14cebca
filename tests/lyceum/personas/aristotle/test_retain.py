"""A21, habit: values by hand, its Fisher information in both backends, and runs that are stopped and continued."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lyceum import personas
from lyceum.experiments.retain import scores as first_text
from lyceum.personas.aristotle.retain import Elastic, fisher
from lyceum.personas.model import forward
from lyceum.personas.model.retain import continued
from lyceum.personas.spec.names import below
from lyceum.personas.spec.recipe import Recipe
from lyceum.training.job import Job
from parity.project import full_model, trainers
from parity.project.tiny_models import tiny_corpus, tiny_plan, tiny_plans
from tests.support.assertions import same_state


@pytest.fixture(scope="module")
def plan():
    return tiny_plans(20)["aristotle with retain"]


def made(backend: str, plan, parameters: dict[str, np.ndarray]):
    """A trainer with these parameters."""
    trainer = trainers.make(backend, plan, "float32")
    trainer.write(trainer.read() | {f"model.{name}": x.astype(np.float32) for name, x in parameters.items()})
    return trainer


def test_a_pull_by_hand():
    """3 + 0.5 * 4 * (2 - 1) = 5, and nothing where the text has no information."""
    got = Elastic(0.5).pull({}, np.array([3.0, 3.0]), np.array([2.0, 2.0]), np.ones(2), np.array([4.0, 0.0]))
    assert got.tolist() == [5, 3]


def test_information_by_hand():
    """(3^2 + 1^2) / (2 * 4 tokens)."""
    got = fisher([{"w": np.float32([3])}, {"w": np.float32([-1])}], 4)
    assert got["fisher.w"].tolist() == [1.25] and got["fisher.w"].dtype == np.float32


def test_the_recipe_neither_decays_nor_slows_down():
    hidden = tiny_plan("aristotle", systems=("tokenize", "muon")).recipe.hidden
    recipe = continued(Recipe(3e-3, 100, schedule="cosine", weight_decay=2.0, dropout=0.1, hidden=hidden))
    assert (recipe.weight_decay, recipe.hidden.weight_decay, recipe.dropout) == (0, 0, 0.1)
    assert recipe.learning_rate(0) == recipe.learning_rate(99) == 1e-3


def test_plain_fine_tuning_has_no_restraint_and_a_fresh_run_is_refused():
    tables = {"tokenize.leaf": None}
    system = next(system for system in personas.find("aristotle").systems if system.retain)
    assert system.build({}, None, {"strength": np.float32(0)}) == {}
    with pytest.raises(personas.PersonaError, match="lyceum retain RUN makes one"):
        system.build({}, None, tables)


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_gradients_are_those_of_the_model(plan, backend):
    parameters, ids, targets, _ = full_model.drawn(plan, 0)
    weight = np.random.default_rng(0).random(ids.shape).astype(np.float32)
    expected = full_model.torch_losses(plan, (parameters, ids, targets, {}), -weight.astype(float), torch.float64)
    got = made(backend, plan, parameters).gradients(ids, targets, weight)
    assert got.keys() == expected.keys() - {"output"}
    for name, g in got.items():
        scale = np.abs(expected[name].numpy()).max()
        np.testing.assert_allclose(g, expected[name].numpy(), atol=1e-5 * scale, rtol=0, err_msg=name)


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_laws_are_those_of_the_model(plan, backend):
    parameters, ids, *_ = full_model.drawn(plan, 0)
    x = forward.hidden(plan, parameters, ids, {})
    expected = plan.modules["vocabulary"].log_probs(below(parameters, "vocabulary"), x)
    got = made(backend, plan, parameters).laws(ids, np.array([2, 0, 11]))
    np.testing.assert_allclose(got, expected[:, [2, 0, 11]], atol=1e-4)


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_information_is_the_expected_squared_score_and_p_times_1_less_p_on_a_softmax(plan, backend):
    """Every target of one position, weighed by its probability, against the closed form on the head of genera."""
    parameters, ids, *_ = full_model.drawn(plan, 0)
    vocabulary, p = plan.modules["vocabulary"], below(parameters, "vocabulary")
    ids, trainer = ids[:1], made(backend, plan, parameters)
    x = forward.hidden(plan, parameters, ids, {})[0, 5]
    genus, weight = np.exp(vocabulary.levels(p, x)[0]), np.zeros(ids.shape, np.float32)
    weight[0, 5] = 1
    law = np.exp(trainer.laws(ids, np.array([5]))[0, 0].astype(float))
    expected = sum(
        probability * trainer.gradients(ids, np.full_like(ids, y), weight)["vocabulary.head_genus"].astype(float) ** 2
        for y, probability in enumerate(law)
    )
    np.testing.assert_allclose(expected, np.outer(genus * (1 - genus), x**2), rtol=1e-3, atol=1e-7)


def test_the_square_of_a_sum_is_the_sum_of_squares_on_average(plan):
    """Theorem 3, over every pair of targets of two positions that see the same context."""
    parameters, ids, *_ = full_model.drawn(plan, 0)
    ids, trainer, at = ids[:1], made("torch", plan, parameters), np.array([3, 7])
    laws = np.exp(trainer.laws(ids, at)[0].astype(float))
    by_target = []
    for position in at:
        weight = np.zeros(ids.shape, np.float32)
        weight[0, position] = 1
        gradients = (trainer.gradients(ids, np.full_like(ids, y), weight)["norm.weight"] for y in range(97))
        by_target.append(np.stack(list(gradients)).astype(float))
    squared_sum = np.einsum("y,z,yzi->i", *laws, (by_target[0][:, None] + by_target[1][None]) ** 2)
    sum_of_squares = sum(law @ g**2 for law, g in zip(laws, by_target, strict=True))
    np.testing.assert_allclose(squared_sum, sum_of_squares, rtol=1e-4)


def test_targets_are_drawn_from_the_law():
    log_probs = np.log(np.array([0.2, 0.5, 0.3], np.float32))
    variates = (np.arange(1000) + 0.5) / 1000
    drawn = first_text.drawn(np.broadcast_to(log_probs, (1000, 3)), variates)
    assert np.bincount(drawn).tolist() == [200, 500, 300]


def test_both_backends_measure_alike(plan):
    """The same contexts and variates; where rounding draws another target at most, the sums differ a little."""
    measured = []
    for backend in trainers.BACKENDS:
        trainer = made(backend, plan, full_model.drawn(plan, 0)[0])
        job = Job(trainer, plan, tiny_corpus(), plan.fixed, 3)
        measured.append(fisher(first_text.scores(job, 6), first_text.tokens(job)))
    for name, x in measured[0].items():
        assert (x >= 0).all()
        np.testing.assert_allclose(measured[1][name], x, atol=1e-4 * x.max(), rtol=0, err_msg=name)


def with_strength(plan, strength: float):
    """The plan with another strength; None for none of its restraint."""
    rest = {name: spec for name, spec in plan.modules.items() if name != "retain"}
    if strength is None:
        return replace(plan, modules=rest)
    return replace(plan, modules=rest | {"retain": replace(plan.modules["retain"], strength=strength)})


def trained(backend: str, plan, steps: range, start: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The state after some iterations from another state."""
    trainer = trainers.make(backend, plan, "float32")
    trainer.write(trainer.read() | start)
    trainers.run(trainer, plan, tiny_corpus(), steps)
    return trainer.read()


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_at_strength_0_a_run_is_the_plain_one_bit_for_bit(plan, backend):
    same_state(*(trained(backend, with_strength(plan, strength), range(5), {}) for strength in (0.0, None)))


@pytest.mark.parametrize("backend", trainers.BACKENDS)
def test_a_run_that_is_stopped_goes_on_bit_for_bit(plan, backend):
    uninterrupted = trained(backend, plan, range(12), {})
    same_state(uninterrupted, trained(backend, plan, range(7, 12), trained(backend, plan, range(7), {})))


def test_the_backends_end_alike_and_nearer_than_without_the_pull(plan):
    first = plan.modules["retain"]
    start = {f"model.{name}": x for name, x in first.weights.items()}
    strong = with_strength(plan, 50.0)
    ends = [trained(backend, strong, range(12), start) for backend in trainers.BACKENDS]
    for name, x in ends[0].items():
        np.testing.assert_allclose(x, ends[1][name], atol=2e-4, err_msg=name)
    free = trained("torch", with_strength(plan, None), range(12), start)
    pulled = first.fisher.keys() - set(plan.router_biases())  # those follow a rule, whatever pulls
    distances = [
        sum(np.sum(first.fisher[name] * (state[f"model.{name}"] - first.weights[name]) ** 2) for name in pulled)
        for state in (ends[0], free)
    ]
    assert distances[0] < 0.9 * distances[1]
