"""Every fused operation of the exact mode: MLX's float32 shows its meaning, PyTorch's float64 its digits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import mlx.core as mx
import numpy as np
import pytest
import torch
import torch.nn.functional as f

from parity.float64 import REPLACED, exact

BOUNDS = {entry.name: entry for entry in REPLACED}
RNG = np.random.default_rng(11)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


@dataclass(frozen=True)
class Case:
    """One call: float arrays (differentiated), fixed arguments in order and by name; the same in PyTorch's float64."""

    name: str
    arrays: tuple[np.ndarray, ...]
    torch: Callable[..., torch.Tensor]
    fixed: tuple = ()
    named: dict = field(default_factory=dict)

    def __str__(self) -> str:
        """The call, short enough for a test's name."""
        named = (f"{k}={'array' if isinstance(v, np.ndarray) else v}" for k, v in self.named.items())
        return f"{self.name}({', '.join([*map(str, self.fixed), *named])})".replace("\n", "")


def conv(function: Callable, *options) -> Callable[..., torch.Tensor]:
    """PyTorch keeps channels second, MLX last."""
    return lambda x, w: function(x.movedim(-1, 1), w.movedim(-1, 1), None, *options).movedim(1, -1)


def rotation(dims: int, named: dict) -> Callable[[torch.Tensor], torch.Tensor]:
    """Rotary embedding as what it is, a product with complex numbers of size 1."""
    half = dims // 2
    pairs = torch.arange(dims).reshape(half, 2).mT if named["traditional"] else torch.arange(dims).reshape(2, half)
    freqs = torch.as_tensor(
        named["freqs"] if "freqs" in named else [named["base"] ** (i / half) for i in range(half)], dtype=torch.float64
    )

    def rotate(x: torch.Tensor) -> torch.Tensor:
        offset = torch.as_tensor(named["offset"]).reshape(-1, *[1] * (x.ndim - 1))
        angle = (offset + torch.arange(x.shape[-2])[:, None]).double() * named["scale"] / freqs
        z = torch.complex(x[..., pairs[0]], x[..., pairs[1]]) * torch.polar(torch.ones_like(angle), angle)
        turned = torch.cat([z.real, z.imag], -1)[..., pairs.flatten().argsort()]
        return torch.cat([turned, x[..., dims:]], -1)

    return rotate


def rope(x: np.ndarray, dims: int, **named) -> Case:
    named = {"traditional": False, "base": 1e4, "scale": 1.0, "offset": 0} | named
    return Case("fast.rope", (x,), rotation(dims, named), (dims,), named)


Q, K, V = normal(2, 4, 5, 6), normal(2, 2, 7, 6), normal(2, 2, 7, 6)
SEEN = np.tril(np.ones((5, 7), bool), 2)


def attention(mask: object = None, torch_mask: np.ndarray | None = None, arrays: tuple = (Q, K, V)) -> Case:
    torch_mask = torch_mask if torch_mask is None else torch.tensor(torch_mask)
    definition = functools.partial(f.scaled_dot_product_attention, attn_mask=torch_mask, scale=0.3, enable_gqa=True)
    return Case("fast.scaled_dot_product_attention", arrays, definition, (), {"scale": 0.3, "mask": mask})


def sink_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Sinks are one more column of logits, without a value."""
    k, v = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
    sink = torch.tensor(SINKS).reshape(1, -1, 1, 1).expand(2, 4, 5, 1)
    return torch.cat([sink, 0.3 * q @ k.mT], -1).softmax(-1)[..., 1:] @ v


X, ROWS, ADDED, SINKS = 3 * normal(4, 12), normal(3, 2, 6, 12), normal(2, 1, 5, 7), normal(4)
PICK, CLASSES = np.array([2, 0, 2, 1], np.uint32), np.array([0, 11, 3, 3], np.int32)
LINE, PLANE, SPACE = normal(2, 9, 4), normal(2, 6, 5, 4), normal(1, 4, 3, 5, 2)
LAST = {"arrays": (X,), "fixed": (-1,)}
with mx.stream(mx.cpu):
    # Scales and offsets of 11 digits: the weights are numbers of float32, so that MLX's decoding is exact.
    WORDS, SCALES, OFFSETS = mx.quantize(mx.array(np.arange(-96, 96).reshape(3, 64) / 64).astype(mx.float16), 32, 4)
    SCALES, OFFSETS = SCALES.astype(mx.float32), OFFSETS.astype(mx.float32)
    DECODED = np.array(mx.dequantize(WORDS, SCALES, OFFSETS, 32, 4)).astype(np.float64)
    WORDS, SCALES, OFFSETS = np.array(WORDS), np.array(SCALES).astype(np.float64), np.array(OFFSETS).astype(np.float64)
GROUPS = {"group_size": 32, "bits": 4}

CASES = [
    Case("softmax", torch=lambda x: x.softmax(-1), **LAST),
    Case("softmax", (X,), lambda x: x.flatten().softmax(0).reshape(x.shape)),
    Case("softmax", (X,), lambda x: x.flatten().softmax(0).reshape(x.shape), ((0, 1),), {"precise": True}),
    Case("logsumexp", torch=lambda x: x.logsumexp(-1), **LAST),
    Case("logsumexp", (X,), lambda x: x.logsumexp((0, 1))),
    Case("logsumexp", (X,), lambda x: x.logsumexp((0, 1), True), ((0, 1), True)),
    Case("logcumsumexp", torch=lambda x: x.logcumsumexp(-1), **LAST),
    Case("logcumsumexp", (X,), lambda x: x.flatten().logcumsumexp(0)),
    Case("logcumsumexp", (X,), lambda x: x.flip(0).logcumsumexp(0).flip(0), (0,), {"reverse": True}),
    Case("logcumsumexp", (X[:, :1],), lambda x: x.clone(), (1,)),
    Case(
        "addmm",
        (normal(4, 5), normal(4, 6), normal(6, 5)),
        functools.partial(torch.addmm, alpha=0.1, beta=0.3),
        (),
        {"alpha": 0.1, "beta": 0.3},
    ),
    Case("gather_mm", (normal(4, 1, 6), normal(3, 6, 5)), lambda a, b: a @ b[PICK.tolist()], (), {"rhs_indices": PICK}),
    Case("gather_mm", (normal(3, 2, 6), normal(4, 6, 5)), lambda a, b: a[PICK.tolist()] @ b, (), {"lhs_indices": PICK}),
    Case(
        "quantized_matmul",
        (normal(5, 64),),
        lambda x: x @ torch.tensor(DECODED).mT,
        (WORDS,),
        {"scales": SCALES, "biases": OFFSETS, **GROUPS},
    ),
    Case(
        "quantized_matmul",
        (normal(5, 3),),
        lambda x: x @ torch.tensor(DECODED),
        (WORDS,),
        {"scales": SCALES, "biases": OFFSETS, "transpose": False, **GROUPS},
    ),
    Case(
        "gather_qmm",
        (normal(4, 1, 64),),
        lambda x: x @ torch.tensor(DECODED)[:, None][PICK.tolist()].mT,
        (WORDS[:, None],),
        {"scales": SCALES[:, None], "biases": OFFSETS[:, None], "rhs_indices": PICK, **GROUPS},
    ),
    Case("conv1d", (LINE, normal(6, 3, 4)), conv(f.conv1d)),
    Case("conv1d", (LINE, normal(6, 3, 2)), conv(f.conv1d, 2, 1, 2, 2), (2, 1, 2, 2)),
    Case("conv2d", (PLANE, normal(3, 3, 2, 4)), conv(f.conv2d, (2, 1), (1, 0)), ((2, 1), (1, 0))),
    Case("conv3d", (SPACE, normal(3, 2, 2, 2, 2)), conv(f.conv3d)),
    Case(
        "fast.layer_norm",
        (normal(4, 12), normal(12), normal(12)),
        lambda x, w, b: f.layer_norm(x, (12,), w, b, 1e-5),
        (1e-5,),
    ),
    Case("fast.layer_norm", (normal(4, 12),), lambda x: f.layer_norm(x, (12,), eps=0.3), (None, None, 0.3)),
    Case("fast.rms_norm", (normal(4, 12), normal(12)), lambda x, w: f.rms_norm(x, (12,), w, 1e-5), (1e-5,)),
    Case("fast.rms_norm", (normal(4, 12),), lambda x: f.rms_norm(x, (12,), eps=0.3), (None, 0.3)),
    rope(ROWS, 12),
    rope(ROWS, 8, traditional=True),
    rope(ROWS, 8, offset=3, scale=0.7, base=100.0),
    rope(ROWS, 12, offset=np.array([0, 2, 4], np.int32)),
    rope(ROWS[0], 12, base=None, freqs=np.linspace(1, 9, 6).astype(np.float32)),
    attention(),
    attention("causal", SEEN),
    attention(SEEN, SEEN),
    attention(ADDED, ADDED),
    attention("causal", SEEN[:, 2:], (Q, Q, Q)),
    Case("fast.scaled_dot_product_attention", (Q, K, V), sink_attention, (), {"scale": 0.3, "sinks": SINKS}),
    Case(
        "fast.cross_entropy",
        (X,),
        lambda x: f.cross_entropy(x, torch.tensor(CLASSES).long(), reduction="none"),
        (CLASSES,),
    ),
]


@pytest.fixture(autouse=True)
def on_the_cpu():
    """MLX has float64 on the CPU only."""
    with mx.stream(mx.cpu):
        yield


ELEMENTWISE = ["exp", "sin", "cos", "sigmoid", "erf", "erfinv", "tan", "tanh", "expm1", "log2", "log10"]


def compute(case: Case, dtype: mx.Dtype) -> list[np.ndarray]:
    """The value, and the gradient of a weighted sum of it by every array, by what the name is bound to now."""
    function = functools.reduce(getattr, case.name.split("."), mx)

    def to_mlx(v):
        if not isinstance(v, np.ndarray):
            return v
        return mx.array(v, dtype=dtype) if v.dtype.kind == "f" else mx.array(v)

    fixed, named = [to_mlx(v) for v in case.fixed], {k: to_mlx(v) for k, v in case.named.items()}
    arrays = [to_mlx(v) for v in case.arrays]
    value = function(*arrays, *fixed, **named)
    weights = mx.array(np.cos(np.arange(value.size)).reshape(value.shape), dtype=dtype)
    gradients = mx.grad(lambda *a: (function(*a, *fixed, **named) * weights).sum(), argnums=list(range(len(arrays))))
    got = gradients(*arrays)
    return [np.array(v) for v in [value, *(got if isinstance(got, (list, tuple)) else [got])]]


def assert_close(got: list[np.ndarray], want: list[np.ndarray], unit: float, case: Case) -> None:
    """Errors relative to the largest entry: within the record's bound for the value, its slope bound for gradients."""
    __tracebackhide__ = True
    entry = BOUNDS[case.name]
    for i, (a, b) in enumerate(zip(got, want, strict=True)):
        assert a.shape == b.shape
        bound = entry.slope_bound if i else entry.bound
        error = np.abs(a.astype(np.float64) - b).max() / np.abs(b).max() / unit
        what = f"gradient {i - 1}" if i else "value"
        print(f"{case}: {what} {error:.2f} u (bound {bound} u)")
        assert error <= bound, f"{case}: {what} is off by {error:.3g} u; allowed: {bound} u"


def test_every_fused_record_has_a_case():
    assert {case.name for case in CASES} == set(BOUNDS) - {*ELEMENTWISE, "logaddexp", "array.astype", "dequantize"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_means_what_mlx_means(case):
    """Exact float64 against MLX's float32, in float32's unit: options, shapes, axes and gradients are the same."""
    outside = compute(case, mx.float32)
    with exact():
        got = compute(case, mx.float64)
    assert {v.dtype for v in got} == {np.dtype(np.float64)}
    assert_close(outside, got, 2.0**-24, case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_float32_is_bitwise_unchanged(case):
    outside = compute(case, mx.float32)
    with exact():
        inside = compute(case, mx.float32)
    assert [v.tobytes() for v in outside] == [v.tobytes() for v in inside]


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
def test_elementwise_bits_unchanged(name, dtype):
    x = mx.array(np.linspace(0.01, 0.99, 50)).astype(dtype)
    outside = getattr(mx, name)(x), mx.grad(lambda x: getattr(mx, name)(x).sum())(x)
    with exact():
        inside = getattr(mx, name)(x), mx.grad(lambda x: getattr(mx, name)(x).sum())(x)
    assert all(mx.array_equal(a, b).item() and a.dtype == b.dtype for a, b in zip(outside, inside, strict=True))


def in_torch(case: Case) -> list[np.ndarray]:
    """What `compute` computes, by PyTorch in float64."""
    arrays = [torch.tensor(v, requires_grad=True) for v in case.arrays]
    value = case.torch(*arrays)
    (value * torch.cos(torch.arange(value.numel(), dtype=torch.float64)).reshape(value.shape)).sum().backward()
    return [value.detach().numpy(), *(a.grad.numpy() for a in arrays)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_digits_against_pytorch_float64(case):
    with exact():
        got = compute(case, mx.float64)
    assert_close(got, in_torch(case), 2.0**-53, case)


def test_bad_arguments_are_one_sentence():
    q = mx.zeros((1, 1, 2, 2), dtype=mx.float64)
    with exact():
        with pytest.raises(ValueError, match="mask is 'full': give None, 'causal' or an array"):
            mx.fast.scaled_dot_product_attention(q, q, q, scale=1.0, mask="full")
        with pytest.raises(ValueError, match="exactly one of base and freqs"):
            mx.fast.rope(q, 2, traditional=False, base=None, scale=1.0, offset=0)


def test_infinite_logits():
    """A masked entry (-inf) has no weight; an all-masked row is NaN in softmax as in MLX, -inf in logsumexp."""
    x = mx.array([[0.0, -np.inf], [-np.inf, -np.inf]], dtype=mx.float64)
    with exact():
        assert mx.softmax(x, -1).tolist()[0] == [1, 0] and np.isnan(mx.softmax(x, -1).tolist()[1]).all()
        assert mx.logsumexp(x, -1).tolist() == [0, -np.inf]
        assert mx.logcumsumexp(x, 1, inclusive=False).tolist()[0] == [-np.inf, 0]
