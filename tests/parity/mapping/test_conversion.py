"""Names and layouts derived from a port's conversion, which is examined by it."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import parity
from parity.mapping.labels import BASE, digits, located
from parity.mapping.layouts import arranged
from parity.mapping.naming import named
from tests.support.computed_pairs import FIRST, MlxConvolution, MlxLstm, TorchConvolution, first, torch_lstm

SERIAL = {"a": np.arange(6).reshape(2, 3), "b": np.arange(6, 12).reshape(2, 3), "c": np.arange(12, 36).reshape(2, 3, 4)}
A, B, C = SERIAL.values()


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (A, "a"),
        (B.T, "transposed(b)"),
        (C.transpose(0, 2, 1), "transposed(c)"),
        (C.transpose(1, 2, 0), "permuted(c, (1, 2, 0))"),
        (C[:, 1:2], "part(c, 1, of=3, axis=1)"),
        (B.T[2:], "part(transposed(b), 2, of=3)"),
        (np.concatenate([A, B]), "fused(a, b)"),
        (np.concatenate([B.T, A.T], 1), "fused(transposed(b), transposed(a), axis=1)"),
        (np.stack([A, B]), "rearranged(a, b, stacked)"),
        (A.reshape(3, 2), "rearranged(a, as the conversion moves it)"),
        (np.array([11, 0]), "rearranged(b, a, as the conversion moves it)"),
    ],
)
def test_a_selection_is_named_by_the_plainest_layout(index, words):
    target = named(index, SERIAL)
    assert str(target) == words
    np.testing.assert_array_equal(arranged(target, SERIAL), index)


@pytest.mark.parametrize(
    ("function", "selects"),
    [
        (lambda x: x[::-1], True),
        (lambda x: x.astype(mx.bfloat16), True),
        (lambda x: x + 1, False),
        (lambda x: mx.sort(x), False),
        (lambda x: mx.zeros_like(x), False),
        (lambda x: mx.concatenate([x[:-1], mx.zeros(1)]), False),
        (lambda x: x + mx.arange(x.size) % 2, False),
        (lambda x: x * mx.inf, False),
    ],
)
def test_what_computes_is_no_selection(function, selects):
    shapes = {"x": (BASE + 5,)}
    assert digits(BASE) == 1 and digits(BASE + 1) == 2
    index = located(lambda labels: {"y": function(mx.array(labels.astype(np.float32)))}, shapes)["y"]
    assert (index is not None) == selects


class MlxPair(mlx.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.head = mlx.nn.Conv1d(3, 3, 3), mlx.nn.Linear(3, 3)

    def __call__(self, x):
        return self.head(mx.tanh(self.stem(x)))

    def sanitize(self, weights):
        return {n.replace("first", "stem"): x.swapaxes(1, 2) if x.ndim == 3 else x for n, x in weights.items()}


class TorchPair(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.first, self.head = torch.nn.Conv1d(3, 3, 3), torch.nn.Linear(3, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.first(x.mT)).mT)

    def save_pretrained(self, folder):
        """As libraries do that name and stack things differently in a file."""
        state = {name: x.clone() for name, x in self.state_dict().items()}
        state |= {f"head.{i}": row.clone() for i, row in enumerate(state.pop("head.weight"))}
        save_file(state, f"{folder}/model.safetensors")


class MlxRows(MlxPair):
    def sanitize(self, weights):
        weights["head.weight"] = mx.stack([weights.pop(f"head.{i}") for i in range(3)])
        return super().sanitize(weights)


def test_a_conversion_that_moves():
    ours = MlxPair()
    result = parity.check(ours, TorchPair(), (2, 6, 3), names=parity.converted(ours.sanitize), **FIRST).or_raise()
    assert result.names[:2] == ("stem.weight = transposed(first.weight)", "stem.bias = first.bias")


def test_a_conversion_written_in_numpy():
    def moved(weights):
        return {
            n.replace("first", "stem"): np.moveaxis(np.array(x), 1, -1) if x.ndim > 2 else x for n, x in weights.items()
        }

    result = parity.check(MlxPair(), TorchPair(), (2, 6, 3), names=parity.converted(moved), **FIRST).or_raise()
    assert result.names[0] == "stem.weight = transposed(first.weight)"


def test_a_transpose_that_the_conversion_forgets():
    """The kernel has three inputs and three taps, so shapes do not tell."""
    ours = MlxPair()

    def forgetful(weights):
        return {name.replace("first", "stem"): x for name, x in weights.items()}

    result = parity.check(ours, TorchPair(), (2, 6, 3), names=parity.converted(forgetful), **FIRST)
    assert not result.ok and result.names[0] == "stem.weight = first.weight"


def test_a_checkpoint_of_other_names_than_the_module():
    ours, theirs = MlxRows(), TorchPair()
    before = {name: x.clone() for name, x in theirs.state_dict().items()}
    names = parity.converted(ours.sanitize, saved=TorchPair.save_pretrained)
    result = parity.check(ours, theirs, (2, 6, 3), names=names, **FIRST).or_raise()
    assert "head.weight = head.weight" in result.names
    assert all(torch.equal(x, before[name]) for name, x in theirs.state_dict().items())
    with pytest.raises(parity.UsageError, match="KeyError: 'head.0'; if a checkpoint has other names .* say .* saved="):
        parity.check(ours, theirs, (2, 6, 3), names=parity.converted(ours.sanitize))


def lstm_conversion(weights, biases=("bias_ih_l0", "bias_hh_l0")):
    return [("Wx", weights["weight_ih_l0"]), ("Wh", weights["weight_hh_l0"]), ("bias", sum(weights[b] for b in biases))]


def test_a_conversion_that_computes_is_differentiated():
    options = dict(torch_call=first, **FIRST)
    names = parity.converted(lstm_conversion)
    result = parity.check(MlxLstm(3, 4), torch_lstm(), (2, 3, 3), names=names, **options).or_raise()
    assert result.names[-1] == "bias = computed(bias_ih_l0, bias_hh_l0, by the conversion)"
    with pytest.raises(parity.UsageError, match="bias_hh_l0 .16,. is used by no parameter"):
        dropped = parity.converted(lambda weights: lstm_conversion(weights, ("bias_ih_l0",)))
        parity.check(MlxLstm(3, 4), torch_lstm(), (2, 3, 3), names=dropped, **options)


def test_a_conversion_that_folds_a_norm():
    def folded(weights):
        g, v = (weights.pop(f"conv.parametrizations.weight.original{i}") for i in range(2))
        norm = mx.sqrt((v * v).sum(axis=(1, 2), keepdims=True))
        return weights | {"conv.weight": (g * v / norm).swapaxes(1, 2)}

    parity.check(MlxConvolution(), TorchConvolution(), (2, 5, 3), names=parity.converted(folded), **FIRST).or_raise()


MISTAKES = {
    "a parameter is forgotten": (lambda w: {"weight": w["weight"]}, "the conversion makes no bias"),
    "a parameter is invented": (
        lambda w: w | {"gain": w["bias"]},
        "makes gain, which MLX does not have",
    ),
    "a parameter is a constant": (lambda w: w | {"bias": mx.ones(2)}, "makes bias of nothing that PyTorch has"),
    "it raises": (
        lambda w: w["wieght"],
        "on arrays named as PyTorch's .weight, bias, ....: KeyError: 'wieg",
    ),
    "no dictionary": (lambda w: 3, "the conversion does not run on .* TypeError"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(mistake):
    function, words = MISTAKES[mistake]
    with pytest.raises(parity.UsageError, match=words) as raised:
        parity.check(mlx.nn.Linear(2, 2), torch.nn.Linear(2, 2), (2, 2), names=parity.converted(function))
    assert "\n" not in str(raised.value)


def test_converted_takes_a_function():
    with pytest.raises(parity.UsageError, match="converted is given {}: give a function"):
        parity.converted({})
