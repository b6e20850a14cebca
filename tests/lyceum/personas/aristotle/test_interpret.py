"""A16, the lens of causes: values by hand, what it leaves as it was, and the maps of a tiny model."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch

import mlx_impl.registry
import torch_ref.registry
from lyceum import personas
from lyceum.personas.aristotle.interpret import MEAN, TREE, Causes
from lyceum.personas.aristotle.interpret.heat_maps import heat_maps, repeated
from lyceum.personas.baseline.norm import LayerNorm
from lyceum.personas.baseline.vocabulary import TiedVocabulary
from lyceum.personas.lens.heat_map import HeatMap, Reading
from lyceum.personas.lens.theorems import texts
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from mlx_impl.model import load_parameters as load_mlx
from parity.project.tiny_models import tiny_plan
from torch_ref.model import load_parameters as load_torch

IDS, TARGETS, OTHER = texts(np.random.default_rng(0), 45)


def test_a_frozen_norm_by_hand():
    """x = (3, 1) has mean 2 and deviation 1; the terms (3, 0) and (0, 1) bring (3/2, -3/2) and (-1/2, 1/2)."""
    terms = np.array([[3.0, 0.0], [0.0, 1.0]])
    frozen = LayerNorm(2, eps=0.0).frozen({"weight": np.array([1.0, 2.0])}, terms.sum(0), terms)
    assert frozen.tolist() == [[1.5, -3.0], [-0.5, 1.0]]


def test_a_contribution_by_hand():
    """Without blocks the model is its embedding, normalised: token 0, (1, -1), times token 1's row (2, 3)."""
    modules = {"vocabulary": TiedVocabulary(2, 2, 2), "position": _Nowhere(), "norm": LayerNorm(2, 0.0)}
    lens = Causes(modules | {"mixer": None, "mlp": None}, 0)
    p = {"vocabulary.weight": np.array([[1.0, -1.0], [2.0, 3.0]]), "norm.weight": np.ones(2)}
    contributions = lens.contributions(p, np.array([[0]]), np.array([[1]]))
    assert lens.parts() == ("embedding",) and contributions.tolist() == [[[[-1.0], [0.0]]]]


class _Nowhere:
    """Positions that add nothing."""

    def __call__(self, p, x, ids):
        return (x,)


@pytest.mark.parametrize("method", ["terms", "patched", "attention"])
def test_the_model_is_left_as_it_was(method):
    """Taking heads apart exchanges a layer for a moment."""
    p, arguments = Case("", MEAN, None).parameters(np.random.default_rng(1)), [IDS]
    if method == "patched":
        arguments += [TARGETS, OTHER, np.ones((*IDS.shape, len(MEAN.sites())), np.int32)]
    for build, load, array in (
        (torch_ref.registry.build, load_torch, lambda x: torch.from_numpy(x).long()),
        (mlx_impl.registry.build, load_mlx, mx.array),
    ):
        model = build(MEAN)
        load(model, p)
        before = np.array(model.log_prob(array(IDS), array(TARGETS)).tolist())
        getattr(model, method)(*map(array, arguments))
        load(model, p)  # the names of the parameters are what they were
        assert np.array_equal(before, model.log_prob(array(IDS), array(TARGETS)).tolist())


def test_parts_have_names():
    assert TREE.parts()[1:4] == ("block 1, head 1", "block 1, head 2", "block 1, MLP")
    assert TREE.sites() == ("embedding", "block 1, mixer", "block 1, MLP", "block 2, mixer", "block 2, MLP")
    assert TREE.attending() == ("block 1, head 1", "block 1, head 2"), "a state space attends to nothing"
    assert len(MEAN.attending()) == 6


def reading(spec: Causes) -> Reading:
    p = Case("", spec, None).parameters(np.random.default_rng(2))
    words = tuple("abcdef")
    return Reading(IDS[:1], TARGETS[:1], words, words, 3, lambda method, *x: getattr(spec, method)(p, *x))


@pytest.mark.parametrize("spec", [TREE, MEAN], ids=["tree", "mean"])
def test_the_maps_say_what_they_say(spec):
    gave, every, look, are = heat_maps(spec, reading(spec))
    np.testing.assert_allclose(gave.values[:-1].sum(0), gave.values[-1])
    np.testing.assert_allclose(gave.values[:, :3].sum(1), gave.values[:, 3])
    np.testing.assert_allclose(every.values[:, 3], gave.values[:-1, 3])
    np.testing.assert_allclose(look.values.sum(1), 1)
    assert look.columns == tuple("abcd") and are.rows[-1] == "everywhere alike"
    assert ((are.values >= 0) & (are.values <= 1) | np.isnan(are.values)).all()


def test_the_probe_repeats_the_text():
    probe = repeated(np.arange(5)[None])
    assert probe.shape == (8, 6) and np.array_equal(probe[:, :3], probe[:, 3:])
    assert all(len(set(row)) == 3 for row in probe.tolist()), "no token of the text twice in half a probe"


def test_a_model_without_attention_has_no_maps_of_heads():
    spec = Causes(TREE.modules | {"mixer": TREE.modules["mixer"][1]}, 1)
    assert spec.attending() == () and len(heat_maps(spec, reading(spec))) == 2


def test_colours_and_shapes():
    heat = HeatMap("", "", ("a",), ("b", "c", "d"), np.array([[-4.0, 1.0, np.nan]]))
    assert heat.full_colour == 4 and heat.colours()[0, :2].tolist() == [-1, 0.5]
    with pytest.raises(ValueError, match="values for 1 x 1"):
        HeatMap("", "", ("a",), ("b",), np.zeros((2, 2)))


def test_it_is_a_command():
    with pytest.raises(PersonaError, match="run it with lyceum interpret RUN TEXT"):
        personas.compose("aristotle", ["interpret"])
    plan = tiny_plan("aristotle")
    spec = personas.find("aristotle").systems[-1].lens(plan.modules, plan.fixed.n_layer)
    assert spec.initial(np.random.default_rng(0), 2).keys() == plan.initial(0).keys()
