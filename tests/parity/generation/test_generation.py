"""Greedy generation, token for token: what differs by rounding is explained, what differs by a mistake fails."""

from __future__ import annotations

from functools import partial

import mlx.core as mx
import numpy as np
import pytest
import torch

import parity
from tests.support.assertions import all_passed
from tests.support.tiny_decoders import BATCH, VOCABULARY, MlxCache, MlxDecoder, call, torch_decoder

PROMPT = parity.integers((BATCH, 4), below=VOCABULARY)
LIKE, OTHER = 3, 5  # two tokens that a test makes alike
check = partial(
    parity.check_generation, prompt=PROMPT, steps=6, mlx_call=call, torch_call=call, mlx_cache=lambda model: MlxCache()
)


def alike(change) -> torch.nn.Module:
    """A model whose tokens LIKE and OTHER are the likeliest, OTHER's row of the head being change(LIKE's)."""
    model = torch_decoder()
    with torch.no_grad():
        model.head.weight *= 0.01
        x, _ = hidden(model)
        model.head.weight[LIKE] = x
        model.head.weight[OTHER] = change(model.head.weight[LIKE])
    return model


def hidden(model):
    """A direction that all hidden vectors share, more or less, and the vectors."""
    model.positions.weight.mul_(0.1).add_(1.0)
    return torch.ones(model.head.weight.shape[1]), None


def chosen(choose):
    """A generator without a cache: choose(logits (B, V)) -> tokens (B,)."""

    def generate(model, prompt, steps):
        text = prompt
        for _ in range(steps):
            token = mx.array(choose(np.array(model(text)[:, -1].astype(mx.float32))))
            text = mx.concatenate([text, token[:, None]], axis=1)
        return text

    return generate


def last_of_the_greatest(z: np.ndarray) -> np.ndarray:
    """As `argmax` of another order would choose."""
    return z.shape[1] - 1 - z[:, ::-1].argmax(-1)


def rounded_argmax(z: np.ndarray) -> np.ndarray:
    """The greatest after a rounding to bfloat16."""
    return torch.tensor(z).bfloat16().float().argmax(-1).numpy()


def test_the_same_tokens():
    result = check(MlxDecoder(), torch_decoder())
    all_passed(result)
    assert not result.differences and not result.limitations
    assert set(result.tokens) == {"torch float64", "mlx float64", "torch float32", "mlx float32"}
    assert all(tokens.shape == (BATCH, 6) for tokens in result.tokens.values())
    assert {verdict.what for verdict in result} == {"tokens, text 0", "tokens, text 1", "logits"}
    assert "The same 6 tokens in both frameworks." in str(result)


def test_the_weights_that_each_holds():
    assert not check(MlxDecoder(), torch_decoder(), parameters="loaded", dtypes="float32").ok


def test_positions_that_are_one_off_with_the_cache():
    result = check(MlxDecoder(shift=1), torch_decoder())
    assert {"mlx float64", "mlx float32"} == {verdict.variant for verdict in result.failures}
    assert "logits" in {verdict.what for verdict in result.failures}
    first = [difference for difference in result.differences if difference.dtype == "float32"]
    assert first and not any(difference.explained for difference in first)
    assert "rounding does not explain it" in str(result)


def test_an_argmax_of_rounded_logits():
    """The tie is in bfloat16 alone: the first of the two is chosen where the second is likelier."""
    theirs = alike(lambda row: row * 1.0001)
    result = check(MlxDecoder(), theirs, mlx_call=None, mlx_generate=chosen(rounded_argmax), dtypes="float32")
    assert {verdict.what for verdict in result.failures} == {"tokens, text 0", "tokens, text 1"}
    assert "token 3, not 5" in result.failures[0].sentence()
    assert (result.differences[0].mlx, result.differences[0].torch) == (LIKE, OTHER)
    all_passed(check(MlxDecoder(), theirs, mlx_generate=chosen(lambda z: z.argmax(-1)), dtypes="float32"))


def test_an_exact_tie_is_named_and_no_failure():
    theirs = alike(lambda row: row)
    result = check(MlxDecoder(), theirs, mlx_generate=chosen(last_of_the_greatest), dtypes="float32")
    all_passed(result)
    assert [difference.margin for difference in result.differences] == [0.0, 0.0]
    assert "their logits are equal, and both are right" in str(result)


def test_a_difference_that_rounding_explains():
    """OTHER is likelier by an ulp or two, and the generator takes LIKE."""
    theirs = alike(lambda row: torch.nextafter(row, torch.tensor(torch.inf)))
    result = check(
        MlxDecoder(), theirs, mlx_generate=chosen(lambda z: np.full(len(z), LIKE)), dtypes=("float64", "float32")
    )
    assert {verdict.variant for verdict in result.failures} == {"mlx float64"}
    narrow = [difference for difference in result.differences if difference.dtype == "float32"]
    assert narrow and all(difference.explained and difference.margin > 0 for difference in narrow)
    assert "rounding explains it" in str(result)


def test_a_generator_that_stops_early():
    result = check(MlxDecoder(), torch_decoder(), mlx_generate=lambda *x: chosen(lambda z: z.argmax(-1))(*x[:2], 4),
                   dtypes="float32")  # fmt: skip
    assert {verdict.what for verdict in result.failures} == {"number of tokens"}


MISTAKES = {
    "features": (lambda: check(MlxDecoder(), torch_decoder(), prompt=(2, 3)), "the prompt must be token ids"),
    "no steps": (lambda: check(MlxDecoder(), torch_decoder(), steps=0), "steps is 0"),
    "weights": (lambda: check(MlxDecoder(), torch_decoder(), parameters="mine"), "'loaded', or None"),
    "exchanged": (lambda: check(torch_decoder(), MlxDecoder()), "give an object of mlx.nn.Module"),
    "no convention": (lambda: check(MlxDecoder(), torch_decoder(), torch_call=None), "say how it is called"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(mistake):
    make, words = MISTAKES[mistake]
    with pytest.raises(parity.UsageError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
