"""The exact mode as a context: what it replaces, for which dtypes, and that it puts everything back."""

from __future__ import annotations

import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
import torch
import torch.nn.functional as f

from parity.float64 import LIMITATIONS, REPLACED, exact
from parity.float64 import mlx_mode as module


@pytest.fixture(autouse=True)
def on_the_cpu():
    """MLX has float64 on the CPU only."""
    with mx.stream(mx.cpu):
        yield


def primitives() -> dict[str, object]:
    """Every public name the mode could touch, and what it is bound to."""
    owners = {"mx": mx, "fast": mx.fast, "array": mx.array}
    return {f"{o}.{n}": v for o, owner in owners.items() for n, v in vars(owner).items() if callable(v)}


def relative_error(value: float, true: float) -> float:
    return abs(value / true - 1)


ONE = mx.array([1.0], dtype=mx.float64)


def test_still_needed():
    """MLX's float64 exp is a float32 approximation. Where this fails, upstream has fixed it: measure again."""
    assert relative_error(mx.exp(ONE).item(), math.e) > 1e-9


def test_replaces_and_restores_the_very_objects():
    before = primitives()
    with exact():
        inside = primitives()
    assert primitives() == before
    changed = {name for name in before if inside[name] is not before[name]}
    replaced = {e.name if e.name.startswith(("fast.", "array.")) else "mx." + e.name for e in REPLACED}
    methods = {"array." + n for n in ("exp", "sin", "cos", "log2", "log10", "logsumexp", "logcumsumexp")}
    assert changed == replaced | methods


def test_casts_to_lower_precision_stay_in_float64():
    """Models cast on their way; integers and float32 inputs do not take this route."""
    third = mx.array([1 / 3], dtype=mx.float64)
    with exact():
        assert third.astype(mx.float32).dtype == third.astype(mx.bfloat16).dtype == mx.float64
        assert third.astype(mx.float32).item() == 1 / 3
        assert third.astype(mx.int32).dtype == mx.int32
        assert mx.array([1.0]).astype(mx.float16).dtype == mx.float16
        changed = third.astype(mx.float32)
        changed *= 2
        assert third.item() == 1 / 3
        gradient = mx.grad(lambda x: (x.astype(mx.float32) ** 2).sum())(third)
        assert gradient.item() == 2 / 3
    assert third.astype(mx.float32).dtype == mx.float32


def test_restores_after_an_exception():
    before = primitives()
    with pytest.raises(RuntimeError, match="inside"), exact():
        raise RuntimeError("inside")
    assert primitives() == before and not module._originals


def test_nesting():
    before = primitives()
    with exact():
        with exact():
            pass
        assert relative_error(mx.exp(ONE).item(), math.e) < 1e-15  # the inner exit must not end the outer mode
    assert primitives() == before


def test_methods_and_streams():
    with exact():
        for value in (ONE.exp(), ONE.exp(stream=mx.cpu), mx.exp(ONE, stream=mx.default_stream(mx.cpu))):
            assert relative_error(value.item(), math.e) < 1e-15
        assert relative_error(mx.stack([ONE, ONE]).logsumexp().item(), 1 + math.log(2)) < 1e-15


def test_compiled_functions_take_the_exact_route():
    """Traced before (so that the old primitive is in the trace), inside, and again after."""
    compiled = mx.compile(lambda x: mx.exp(x))  # noqa: PLW0108  looked up when called, as in a backend's code
    outside = compiled(ONE).item()
    with exact():
        assert relative_error(compiled(ONE).item(), math.e) < 1e-15
    assert compiled(ONE).item() == outside


@pytest.mark.parametrize("enabled", [True, False])
def test_compilation_is_left_as_it_was(enabled):
    if not enabled:
        mx.disable_compile()
    try:
        assert module._compiles() is enabled
        with exact():
            assert not module._compiles()
        assert module._compiles() is enabled
    finally:
        mx.enable_compile()


def test_records_are_printable():
    assert len({entry.name for entry in REPLACED}) == len(REPLACED)
    for entry in REPLACED:
        assert entry.how and entry.tested
        assert (entry.name == "array.astype") == (entry.bound == 0)
        assert 0 <= entry.bound <= 128 and 0 <= entry.slope_bound <= 128
    assert all(entry.name and entry.reason for entry in LIMITATIONS)


RNG = np.random.default_rng(4)
LOGITS, TARGETS = RNG.normal(size=(3, 7)), np.array([0, 6, 2])


def through_torch(name, x, weights):
    """The same layer in PyTorch's float64, which is right: value, and gradient of a weighted sum."""
    x, weights = torch.tensor(x, requires_grad=True), torch.tensor(weights)
    t = torch.tensor(TARGETS)
    layers = {
        "gelu": f.gelu,
        "gelu_approx": lambda x: f.gelu(x, approximate="tanh"),
        "silu": f.silu,
        "mish": f.mish,
        "softplus": f.softplus,
        "elu": f.elu,
        "log_sigmoid": f.logsigmoid,
        "softmax": lambda x: f.softmax(x, -1),
        "log_softmax": lambda x: f.log_softmax(x, -1),
        "LayerNorm": lambda x: f.layer_norm(x, (7,)),
        "RMSNorm": lambda x: f.rms_norm(x, (7,), eps=1e-5),
        "cross_entropy": lambda x: f.cross_entropy(x, t, reduction="none"),
        "smoothed": lambda x: f.cross_entropy(x, t, reduction="none", label_smoothing=0.1),
    }
    y = layers[name](x)
    weights = weights[:, 0] if y.ndim == 1 else weights
    (y * weights).sum().backward()
    return y.detach().numpy(), x.grad.numpy()


LAYERS = {
    "gelu": nn.GELU(),
    "gelu_approx": nn.GELU("precise"),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "softplus": nn.Softplus(),
    "elu": nn.ELU(),
    "log_sigmoid": nn.LogSigmoid(),
    "softmax": nn.Softmax(),
    "log_softmax": nn.LogSoftmax(),
    "LayerNorm": nn.LayerNorm(7),
    "RMSNorm": nn.RMSNorm(7),
    "cross_entropy": lambda x: nn.losses.cross_entropy(x, mx.array(TARGETS)),
    "smoothed": lambda x: nn.losses.cross_entropy(x, mx.array(TARGETS), label_smoothing=0.1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_mlx_end_to_end(name):
    """MLX's layers, unchanged, agree with PyTorch's to 1e-13 in value and gradient; float32 would give 1e-7."""
    weights = RNG.normal(size=LOGITS.shape)
    value, gradient = through_torch(name, LOGITS, weights)
    layer = LAYERS[name]
    if isinstance(layer, nn.Module):
        layer.set_dtype(mx.float64)

    def weighted(x):
        y = layer(x)
        w = mx.array(weights, dtype=mx.float64)
        return (y * (w[:, 0] if y.ndim == 1 else w)).sum()

    x = mx.array(LOGITS, dtype=mx.float64)
    with exact():
        np.testing.assert_allclose(np.array(layer(x)), value, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(np.array(mx.grad(weighted)(x)), gradient, rtol=1e-13, atol=1e-15)


def test_multi_head_attention_end_to_end():
    mine = nn.MultiHeadAttention(8, 2)
    mine.set_dtype(mx.float64)
    names = ("query_proj", "key_proj", "value_proj", "out_proj")
    w = {name: torch.tensor(np.array(mine[name].weight)) for name in names}
    x = RNG.normal(size=(2, 5, 8))
    q, k, v = ((torch.tensor(x) @ w[n].mT).unflatten(-1, (2, 4)).transpose(1, 2) for n in names[:3])
    y = f.scaled_dot_product_attention(q, k, v, is_causal=True)
    y = y.transpose(1, 2).flatten(-2) @ w["out_proj"].mT
    with exact():
        x64 = mx.array(x, dtype=mx.float64)
        mask = nn.MultiHeadAttention.create_additive_causal_mask(5, mx.float64)
        got = mine(x64, x64, x64, mask)
        np.testing.assert_allclose(np.array(got), y.numpy(), rtol=1e-13, atol=1e-15)
