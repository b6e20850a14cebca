"""Memory: a proper distribution at the contract's size, causality, one figure in both backends, and its refit."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lyceum import corpus, personas
from lyceum.corpus.batches import val_batch
from lyceum.experiments.memory_gate import fit, refit
from lyceum.personas.aristotle import tokenize
from lyceum.personas.aristotle.memory.evidence import CONTEXTS
from lyceum.personas.euclid import tokenize as division
from lyceum.personas.memory.evidence import ABSENT, Evidence
from lyceum.personas.memory.gate import gate
from lyceum.personas.model import forward
from lyceum.personas.spec.names import below
from lyceum.personas.spec.tiny import N_VOCAB
from lyceum.rng import stream
from parity.float64 import exact
from parity.project.tiny_models import tiny_corpus, tiny_plan
from parity.project.trainers import BACKENDS, make
from train_mps import FIXED

REMEMBERING = [name for name, persona in personas.PERSONAS.items() if "memory" in persona.default]


@pytest.fixture(scope="module", params=REMEMBERING)
def tiny(request):
    return tiny_plan(request.param)


@pytest.fixture(scope="module", params=REMEMBERING)
def real(request):
    """The contract's plan over its text, with a vocabulary by frequency, since ordering it by kin takes a while."""
    text, vocabulary = corpus.load(), corpus.vocabulary()
    rates = np.bincount(text.train, minlength=len(vocabulary)) + 0.1
    order, shares = np.argsort(-rates, kind="stable"), rates / rates.sum()
    if request.param == "aristotle":
        arranged = tokenize.arrange(np.array_split(order, 1024), shares, (32, 32))
    else:
        arranged = division.arrange(np.argsort(order), shares, division.COLUMNS)
    persona = personas.PERSONAS[request.param]
    tables = personas.prepare(persona, [name for name in persona.default if name != "tokenize"], text.train)
    return personas.plan(
        persona.name, FIXED, None, tables | {f"tokenize.{name}": table for name, table in arranged.items()}
    )


def module_of(plan):
    """The module that rebuilds the plan's memory from its tables."""
    return refit.memory_tables(plan.name)


def without(plan):
    """The plan without its memory."""
    return replace(
        plan, modules={name: spec for name, spec in plan.modules.items() if name not in ("memory", "evidence")}
    )


def batch(plan, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """ids and targets with repetitions, so that cache and follower have something to say."""
    g, sizes = stream(seed, "memory-batch"), (plan.fixed.batch_size, plan.fixed.block_size)
    return tuple(g.integers(0, 12, size=(2, *sizes)).astype(np.int32))


def trainer(backend: str, plan, dtype: str = "float32"):
    """A backend's trainer with parameters in general position."""
    made = make(backend, plan, dtype)
    state = made.read()
    for name, value in state.items():
        if name.startswith("model."):
            moved = value + 0.1 * stream(2, name).normal(size=value.shape)
            state[name] = np.asarray(moved, np.float32).astype(value.dtype)
    made.write(state)
    return made


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_distribution_is_proper_at_the_contracts_size(real, backend):
    """Over all 50,257 ids, at positions early and late in real text, to 1e-5 in float32; and losses are its entries."""
    ids, targets = val_batch(corpus.load(), 3, 4, FIXED.block_size)
    positions, rows = np.array([0, 2, 17, 63]), np.arange(4)
    made = trainer(backend, real)
    table = made.log_probs(ids, positions)
    assert table.shape == (4, 50_257) and table.dtype == np.float32 and np.isfinite(table).all()
    np.testing.assert_allclose(np.exp(table.astype(np.float64)).sum(-1), 1, atol=1e-5)
    entries = table[rows, targets[rows, positions]]
    np.testing.assert_allclose(-made.losses(ids, targets)[rows, positions], entries, atol=1e-4)


def test_memory_lowers_the_loss_of_new_text(real):
    """Of a model that has learned nothing but how often tokens occur, by more than a nat."""
    ids, targets = val_batch(corpus.load(), 3, FIXED.batch_size, FIXED.block_size)
    means = [make("torch", plan, "float32").losses(ids, targets).mean() for plan in (real, without(real))]
    assert means[0] < means[1] - 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_reference_and_the_backends_agree(tiny, backend):
    ids, targets = batch(tiny)
    with exact():
        made = trainer(backend, tiny, "float64")
        parameters = {name[6:]: value for name, value in made.read().items() if name.startswith("model.")}
        got = made.losses(ids, targets)
    expected = forward.losses(tiny, parameters, ids, targets, {}, tiny.evidence(ids, targets))
    np.testing.assert_allclose(got, expected, rtol=1e-6)  # losses leaves as float32
    assert np.abs(expected - forward.losses(tiny, parameters, ids, targets, {})).max() > 0.1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("t", (1, 3, 9, 15))
def test_the_past_does_not_know_the_future(tiny, backend, t):
    """Losses before t are the same bits, whatever ids and targets from t on; so is the full distribution."""
    made, (ids, targets), (other, elsewhere) = trainer(backend, tiny), batch(tiny), batch(tiny, seed=7)
    changed, aimed = ids.copy(), targets.copy()
    changed[:, t:], aimed[:, t:] = other[:, t:], elsewhere[:, t:]
    assert np.array_equal(made.losses(ids, targets)[:, :t], made.losses(changed, aimed)[:, :t])
    positions = np.full(len(ids), t - 1)
    assert np.array_equal(made.log_probs(ids, positions), made.log_probs(changed, positions))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("persona", personas.PERSONAS)
def test_without_positions_every_position_is_computed(backend, persona):
    plan = tiny_plan(persona)
    made, (ids, targets) = trainer(backend, plan), batch(plan)
    table = made.log_probs(ids)
    assert table.shape == (*ids.shape, N_VOCAB)
    np.testing.assert_allclose(np.exp(table).sum(-1), 1, atol=1e-5)
    entries = np.take_along_axis(table, targets[..., None], -1)[..., 0]
    np.testing.assert_allclose(-made.losses(ids, targets), entries, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_training_runs_as_without_it(tiny, backend):
    """The same bits after a step, and no name more in the state."""
    made = [make(backend, plan, "float32") for plan in (tiny, without(tiny))]
    losses = [float(m.step(*batch(tiny), tiny.noise(0, 0), 1e-3)) for m in made]
    states = [m.read() for m in made]
    assert losses[0] == losses[1] and states[0].keys() == states[1].keys()
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])


def test_a_checkpoint_holds_all_that_the_memory_is_made_from(tiny):
    again = personas.plan(tiny.name, tiny.fixed, None, tables={name: t.copy() for name, t in tiny.tables.items()})
    for first, second in zip(tiny.evidence(*batch(tiny)), again.evidence(*batch(tiny)), strict=True):
        assert np.array_equal(first, second)
    assert tiny.tables["memory.text"].dtype == np.uint16
    assert (
        json.loads(json.dumps(tiny.describe()))["modules"]["memory"]["class"]
        == "lyceum.personas.memory.mixture.Mixture"
    )


def test_a_plan_without_memory_has_no_evidence(tiny):
    plan, (ids, targets) = without(tiny), batch(tiny)
    assert plan.evidence(ids, targets) == plan.evidence_at(ids, np.zeros(len(ids), int)) == ()


def test_evidence_of_blocks_longer_than_the_gates_lags(tiny):
    ids = np.tile(batch(tiny)[0], (1, 7))
    for array in tiny.evidence(ids, ids):
        assert array.shape[:2] == ids.shape and np.isfinite(array).all()


def test_what_reaches_out_of_the_block_is_absent():
    """At the first position only contexts of one token fit; at the fourth, all."""
    tiny = tiny_plan("aristotle")
    ids = np.broadcast_to(tiny_corpus().train[:16].astype(np.int32), (1, 16))
    _, offsets, parts = tiny.evidence(ids, ids)
    reach = [context.reach for context in CONTEXTS.values()]
    for position in range(4):
        here = offsets[0, position, : len(reach)] > ABSENT / 2
        assert not here[np.array(reach) > position + 1].any()
    assert (offsets[0, 5, : len(reach)] > ABSENT / 2).all()
    assert (parts[0, :, type(tiny.modules["evidence"]).parts().index("uniform")] == -np.log(N_VOCAB)).all()


def test_the_shipped_gate_is_complete_and_says_what_made_it(tiny):
    path, memory = module_of(tiny).GATE, module_of(tiny).Evidence
    shipped, record = gate(path), json.loads(path.read_text(encoding="utf-8"))
    assert {name: value.shape for name, value in shipped.items()} == {
        name: value.shape for name, value in fit.start(memory, FIXED.block_size).items()
    }
    assert all(np.isfinite(value).all() and value.dtype == np.float32 for value in shipped.values())
    assert record["parts"] == ["model", *memory.parts()]
    assert record["features"][:-3] == list(memory.FEATURES) and record["systems"] == refit.models(tiny.name)
    made = (record["folds"], record["iterations"], record["part of the split"], record["seed"], record["steps"])
    assert made == (refit.FOLDS, refit.ITERATIONS, refit.PART, refit.SEED, fit.STEPS)


def evidence_of(plan, *pieces: np.ndarray) -> Evidence:
    """The evidence of a plan, of these pieces of text alone."""
    return module_of(plan).evidence(plan.modules["vocabulary"], below(plan.tables, "memory"), *pieces)


@pytest.fixture(scope="module")
def sample(tiny) -> fit.Sample:
    """An untrained model's view of the last stretch of the tiny text, and counts of the rest."""
    pieces, stretch = list(refit.folds(tiny_corpus().train))[-1]
    return refit.stretch_sample(make("torch", without(tiny), "float32"), evidence_of(tiny, *pieces), stretch)


def test_the_folds_cover_the_text_once():
    text = np.arange(103)
    folds = list(refit.folds(text))
    assert np.array_equal(np.concatenate([stretch for _, stretch in folds]), text)
    for pieces, stretch in folds:
        assert sorted([*np.concatenate(pieces), *stretch]) == text.tolist()


def test_a_sample_is_new_to_its_counts(tiny, sample):
    """Its counts are those of the other stretches, and every token but the first is a target once."""
    pieces, stretch = list(refit.folds(tiny_corpus().train))[-1]
    _, _, parts = evidence_of(tiny, *pieces).for_targets(sample.ids, sample.targets)
    assert np.array_equal(sample.parts[..., 1:], parts[..., :-2])
    assert sample.weight.sum() == len(stretch) - 1
    assert np.array_equal(sample.targets[sample.weight > 0], stretch[1:])


def test_the_gates_loss_while_it_is_fitted_is_the_memorys(tiny, sample):
    """The same equation, written twice: in the fit, and in the reference with its evidence."""
    pieces, _ = list(refit.folds(tiny_corpus().train))[-1]
    g = np.random.default_rng(0)
    constants = {
        n: (0.3 * g.normal(size=x.shape)).astype(np.float32) for n, x in fit.start(module_of(tiny).Evidence, 64).items()
    }
    evidence = module_of(tiny).evidence(tiny.modules["vocabulary"], below(tiny.tables, "memory") | constants, *pieces)
    uncertainty, log_prob = sample.features[..., -3:], sample.parts[..., 0]
    spec = replace(tiny.modules["memory"], weight=constants["weight"])
    expected = -spec.log_prob({}, log_prob, uncertainty, *evidence.for_targets(sample.ids, sample.targets))
    wide = {name: value.astype(np.float64) for name, value in constants.items()}
    np.testing.assert_allclose(fit.losses(wide, sample), expected, rtol=1e-12)


def test_the_gradient_of_the_fit_is_the_slope(tiny, sample):
    g = np.random.default_rng(1)
    constants = {
        name: 0.3 * g.normal(size=value.shape) for name, value in fit.start(module_of(tiny).Evidence, 64).items()
    }
    _, gradient = fit.gradient(constants, sample)
    for name, value in constants.items():
        direction, h = g.normal(size=value.shape), 1e-5
        ends = [fit.gradient(constants | {name: value + sign * h * direction}, sample)[0] for sign in (1, -1)]
        assert (ends[0] - ends[1]) / (2 * h) == pytest.approx((gradient[name] * direction).sum(), rel=1e-5, abs=1e-9)


def test_a_fit_lowers_the_loss_and_comes_back_from_its_file(tiny, sample, tmp_path):
    memory, counts = module_of(tiny).Evidence, sample.weight > 0
    fitted = fit.fit(memory, sample, steps=60)
    before, after = (fit.losses(c, sample)[counts].mean() for c in (fit.start(memory, 16), fitted))
    assert after < before - 0.02
    refit.write(tmp_path / "gate.json", fitted, {"steps": 60})
    again = gate(tmp_path / "gate.json")
    assert again.keys() == fitted.keys() and all(np.array_equal(again[name], fitted[name]) for name in fitted)
