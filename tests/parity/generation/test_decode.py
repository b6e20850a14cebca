"""Decoding with a cache against the text at once: right caches of either framework pass, wrong ones do not."""

from __future__ import annotations

from functools import partial

import mlx.core as mx
import numpy as np
import pytest
import torch
from mlx.utils import tree_flatten

import parity
from tests.support.assertions import all_passed
from tests.support.tiny_decoders import BATCH, VOCABULARY, MlxCache, MlxDecoder, call, torch_decoder

IDS = parity.integers((BATCH, 6), below=VOCABULARY)
decode_mlx = partial(parity.check_decode, inputs=IDS, call=call, new_cache=lambda model: MlxCache())
decode_torch = partial(parity.check_decode, inputs=IDS, call=call)


def failed(result) -> set[str]:
    """The cuts that failed in float64."""
    return {verdict.what for verdict in result.failures if "float64" in verdict.variant}


CUTS = ["6 x 1", "3 + 3 x 1", "2 x 3", "6 x 1, after another text"]
TITLES = {f"output, in parts of {cut}" for cut in CUTS}


@pytest.mark.parametrize("model", [MlxDecoder(), torch_decoder()], ids=["mlx", "torch"])
def test_a_right_cache_passes_and_nothing_is_changed(model):
    named = tree_flatten(model.parameters()) if isinstance(model, MlxDecoder) else list(model.named_parameters())
    before = [(name, np.array(x.tolist())) for name, x in named]
    check = decode_mlx if isinstance(model, MlxDecoder) else decode_torch
    result = check(model, dtypes=("float64", "float32", "bfloat16"))
    all_passed(result)
    assert not [verdict for verdict in result.limitations if "bfloat16" not in verdict.variant]
    backend = "mlx" if isinstance(model, MlxDecoder) else "torch"
    assert {verdict.what for verdict in result if verdict.variant == f"{backend} float64"} == TITLES
    after = tree_flatten(model.parameters()) if isinstance(model, MlxDecoder) else list(model.named_parameters())
    for (name, x), (_, y) in zip(before, after, strict=True):
        assert np.array_equal(x, np.array(y.tolist())), name
    assert {x.dtype for _, x in after} <= {mx.float32, torch.float32}


def test_positions_that_are_one_off():
    assert failed(decode_mlx(MlxDecoder(shift=1))) == TITLES
    result = decode_torch(torch_decoder(shift=1))
    assert failed(result) == TITLES
    sentences = " ".join(verdict.sentence() for verdict in result.failures)
    assert "first differs at position 1)" in sentences and "first differs at position 3)" in sentences


def test_a_cache_that_is_read_before_it_is_written():
    assert failed(decode_mlx(MlxDecoder(), new_cache=lambda model: MlxCache(late=True))) == TITLES


def test_a_mask_in_the_wrong_corner_shows_in_parts_of_several():
    assert failed(decode_mlx(MlxDecoder(upper_left=True))) == {"output, in parts of 2 x 3"}


def test_a_cache_that_remembers_another_text():
    shared = MlxCache()
    result = decode_mlx(MlxDecoder(), new_cache=lambda model: shared, cuts=[(1,) * 6], dtypes="float32")
    assert {verdict.what for verdict in result.failures} == {"output, in parts of 6 x 1, after another text"}


class Remembers(torch.nn.Module):
    """Adds what it makes of the first position, made once and left in the module: harmless until another text comes."""

    def __init__(self):
        super().__init__()
        self.layer, self.first = torch.nn.Linear(3, 3), None

    def forward(self, x, cache):
        if cache is None:
            return self.layer(x) + self.layer(x[:, :1])
        self.first = self.layer(x[:, :1]) if self.first is None else self.first
        return self.layer(x) + self.first


def test_a_module_that_remembers_another_text_and_is_not_changed_itself():
    model = Remembers()
    result = decode_torch(model, inputs=(2, 4, 3), new_cache=lambda model: {}, dtypes="float64")
    assert failed(result) == {"output, in parts of 4 x 1, after another text"}
    assert model.first is None


class Sums(torch.nn.Module):
    """A running sum of features, whose cache is a number of arrays in a dictionary; also with a second input."""

    def forward(self, x, cache, weight):
        y = (x * weight).cumsum(1) + (0 if cache is None else cache["sum"])
        return {"sums": y, "last": y[:, :, :1]}, {"sum": y[:, -1:]}


def test_features_several_outputs_and_further_inputs():
    result = parity.check_decode(Sums(), [(2, 5, 3), (3,)], call=lambda model, *x: model(*x), cuts=[(2, 3), (4, 1)])
    all_passed(result)
    assert {verdict.what for verdict in result if verdict.variant == "torch float32"} == {
        f"output {name}, in parts of {cut}"
        for name in ("sums", "last")
        for cut in ("2 + 3", "4 + 1", "2 + 3, after another text")
    }


MISTAKES = {
    "no convention": (lambda: parity.check_decode(torch_decoder(), IDS), "say how it is called with its cache"),
    "a short text": (lambda: decode_torch(torch_decoder(), inputs=parity.integers((2, 3), 9)), r"shape \(2, 3\)"),
    "parts that misfit": (lambda: decode_torch(torch_decoder(), cuts=[(2, 3)]), r"\(2, 3\) do not add up to the 6"),
    "a cache that is not returned": (
        lambda: decode_mlx(MlxDecoder(), new_cache=None),
        "call must return the outputs and the cache",
    ),
    "no precision": (lambda: decode_torch(torch_decoder(), dtypes=()), "dtypes is empty"),
    "an unknown precision": (lambda: decode_torch(torch_decoder(), dtypes="float8"), "no precision 'float8'"),
    "no module": (lambda: decode_mlx(mx.tanh), "give an object of mlx.nn.Module"),
    "parts that the model refuses": (
        lambda: decode_mlx(MlxDecoder(), call=one_at_a_time, dtypes="float32"),
        "in parts of 3 . 3 x 1 is not .mlx float32.: ValueError: one token, please; .* cuts=",
    ),
}


def one_at_a_time(model, x, cache):
    if cache is not None and x.shape[1] > 1:
        raise ValueError("one token, please")
    return model(x, cache)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(mistake):
    make, words = MISTAKES[mistake]
    with pytest.raises(parity.UsageError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
