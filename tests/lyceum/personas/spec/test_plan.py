"""A plan: deterministic initial values, addressed noise, and one sentence for an unknown persona."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyceum import personas
from lyceum.personas import PERSONAS, PersonaError
from lyceum.rng import keep_mask, stream
from parity.project.tiny_models import tiny_plan, tiny_sizes
from train_mps import FIXED

SEEDS = st.integers(0, 2**31)


@pytest.fixture(params=PERSONAS)
def plan(request):
    return tiny_plan(request.param)


def test_initial_values_depend_on_the_seed_alone(plan):
    first, again, other = plan.initial(1), plan.initial(1), plan.initial(2)
    assert first.keys() == again.keys() == other.keys()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    given = ("position.angles", "mixer.pace", "mixer.turn")  # rows in proportion
    drawn = [name for name in first if len(np.unique(first[name])) > 1 and not name.endswith(given)]
    assert drawn and not any(np.array_equal(first[name], other[name]) for name in drawn)
    assert all(value.dtype == np.float32 for value in first.values())


def test_a_layer_starts_the_same_whatever_comes_before_it(plan):
    """Every layer draws from the stream of its name, so none changes when another is replaced or added."""
    deeper = replace(plan, fixed=replace(plan.fixed, n_layer=5)).initial(1)
    for name, value in plan.initial(1).items():
        # Projections onto the residual stream are scaled by 1 / sqrt(2 n_layer); the draw behind them is the same.
        # (mla's down.weight leads to the latent, not onto the stream.)
        onto = name.endswith(("out.weight", "down.weight")) and not name.endswith("mixer.down.weight")
        factor = np.sqrt(2 / 5) if onto else 1
        np.testing.assert_allclose(deeper[name], factor * value, rtol=1e-6)


def test_layers_differ_from_one_another(plan):
    values = plan.initial(1)
    alike = [name for name in values if name.startswith("blocks.0.") and name.replace("0", "1", 1) in values]
    matrices = [name for name in alike if values[name].ndim == 2]
    assert matrices and not any(np.array_equal(values[name], values[name.replace("0", "1", 1)]) for name in matrices)


def test_the_references_initial_values():
    """Deviation 0.02, residual projections 0.02 / sqrt(2 n_layer), gains 1 (CONTRACT.md), at the contract's sizes."""
    values = personas.plan("baseline", FIXED, None, tables={}).initial(1337)
    assert sum(value.size for value in values.values()) == 1_661_216
    for name, value in values.items():
        expected = 0.02 / np.sqrt(8) if name.endswith(("out.weight", "down.weight")) else 0.02
        if value.ndim == 1:
            assert (value == 1).all()
        else:
            assert abs(value.std() / expected - 1) < 5 / np.sqrt(2 * value.size), name
            assert abs(value.mean()) < 5 * expected / np.sqrt(value.size), name


def test_noise_is_addressed(plan):
    plan = replace(plan, recipe=replace(plan.recipe, dropout=0.25))
    first = plan.noise(1, 7)
    assert list(first) == ["embedding", "blocks.0.mixer", "blocks.0.mlp", "blocks.1.mixer", "blocks.1.mlp", "head"]
    assert all(np.array_equal(mask, plan.noise(1, 7)[site]) for site, mask in first.items())
    for other in (plan.noise(1, 8), plan.noise(2, 7)):
        assert not any(np.array_equal(mask, other[site]) for site, mask in first.items())
    masks = list(first.values())
    assert not any(np.array_equal(masks[i], masks[j]) for i in range(6) for j in range(i))
    sizes = plan.fixed.batch_size, plan.fixed.block_size, plan.fixed.n_embd
    assert all(mask.shape == sizes and mask.dtype == np.float32 for mask in masks)


def test_noise_has_mean_one(plan):
    plan = replace(plan, recipe=replace(plan.recipe, dropout=0.25))
    masks = np.stack([mask for step in range(40) for mask in plan.noise(0, step).values()])
    deviation = np.sqrt(0.25 / 0.75 / masks.size)
    assert abs(masks.mean() - 1) < 5 * deviation


def test_no_dropout_no_noise():
    assert tiny_plan("baseline").noise(0, 0) == {}


@given(seed=SEEDS, rate=st.floats(0, 0.99))
def test_a_keep_mask_keeps_its_share(seed, rate):
    """Two values, 0 and the inverse of the share that is not 0, in shares that match the rate to a 256th."""
    mask = keep_mask(stream(seed, "test"), (100, 200), rate)
    share = round(256 * rate) / 256
    assert set(np.unique(mask)) <= {np.float32(0), np.float32(1 / (1 - share))}
    assert abs(share - rate) <= 1 / 512
    assert abs((mask == 0).mean() - share) <= 6 * np.sqrt(share * (1 - share) / mask.size)


@pytest.mark.parametrize("rate", (-0.1, 1.0, 1.5, float("nan")))
def test_a_rate_that_is_none(rate):
    with pytest.raises(ValueError, match="must lie in"):
        keep_mask(stream(0, "test"), (2,), rate)


@pytest.mark.parametrize(("name", "words"), [("plato", "no persona 'plato'"), ("Euclid", "no persona 'Euclid'")])
def test_an_unknown_persona(name, words):
    with pytest.raises(PersonaError, match=words):
        personas.plan(name, tiny_sizes(10), None)


def test_tables_make_the_training_split_unnecessary():
    first = tiny_plan("aristotle")
    second = personas.plan("aristotle", first.fixed, None, tables=first.tables)
    assert all(np.array_equal(first.initial(0)[name], value) for name, value in second.initial(0).items())


def test_a_description_can_be_written_down(plan):
    described = json.loads(json.dumps(plan.describe()))
    assert described["persona"] == plan.name
    assert described["fixed"]["n_embd"] == plan.fixed.n_embd
    mixers = {"aristotle": ["aristotle.mla.LatentAttention"], "baseline": ["baseline.attention.Attention"]}
    mixers["euclid"] = ["baseline.attention.Attention", "euclid.ssm.RigidMotion"]
    names = [each["class"] for each in np.ravel(described["modules"]["mixer"])]
    assert names == [f"lyceum.personas.{name}" for name in mixers[plan.name]]
    assert described["recipe"]["betas"] == [0.9, 0.95]
    shapes = {name: table["shape"] for name, table in described["tables"].items()}
    assert shapes == {name: list(table.shape) for name, table in plan.tables.items()}
