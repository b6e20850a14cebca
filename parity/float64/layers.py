"""Softmax, norms, attention and the other fused operations of MLX, as plain float64 compositions.

Each function here takes what MLX's function of the same name takes and computes it by its definition from accurate
elementwise functions (`functions`) and from sums and products (which MLX has right). Fusing is what the originals add;
here nothing is fused, so automatic differentiation of the definition gives the gradient. Three reasons bring an
operation into this file:

    float32 inside:      exp, sin, cos in softmax, logsumexp, logcumsumexp, attention, rope; the sums in norms and
                         convolutions; the answer of cross_entropy
    float32 arguments:   scale, eps, alpha, base are C floats in the originals, 3e-8 off; here they are Python's doubles
    no float64 at all:   gather_mm, strided or grouped convolutions
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import mlx.core as mx

import parity.float64.functions as fn

Axis = int | Sequence[int] | None


def _shift(x: mx.array, axis: Axis) -> mx.array:
    """The maximum along `axis` where finite, else 0: what is subtracted before `exp`. A constant, as it cancels."""
    top = mx.max(x, axis=axis, keepdims=True)
    return mx.stop_gradient(mx.where(mx.isinf(top), 0.0, top))


def softmax(x: mx.array, axis: Axis = None, *, precise: bool = False) -> mx.array:
    """exp(x) / sum(exp(x)); `precise` is for half precision and changes nothing here. All -inf gives NaN, as in MLX."""
    weights = fn.exp(x - _shift(x, axis))
    return weights / mx.sum(weights, axis=axis, keepdims=True)


def logsumexp(x: mx.array, axis: Axis = None, keepdims: bool = False) -> mx.array:
    """log(sum(exp(x)))."""
    shift = _shift(x, axis)
    total = mx.log(mx.sum(fn.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else mx.squeeze(total, axis=axis)


def logcumsumexp(x: mx.array, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True) -> mx.array:
    """Running logsumexp, by doubling: after step k each entry holds the last 2^k terms, so log2(n) roundings deep."""
    if axis is None:
        x, axis = mx.flatten(x), 0
    x = mx.moveaxis(x, axis, -1)
    x = x[..., ::-1] if reverse else x

    def behind(y: mx.array, steps: int) -> mx.array:
        return mx.concatenate([mx.full_like(y[..., :steps], -math.inf), y[..., :-steps]], axis=-1)

    for power in range(max(x.shape[-1] - 1, 0).bit_length()):
        x = fn.logaddexp(x, behind(x, 1 << power))
    x = x if inclusive else behind(x, 1)
    return mx.moveaxis(x[..., ::-1] if reverse else x, -1, axis)


def layer_norm(x: mx.array, weight: mx.array | None, bias: mx.array | None, eps: float) -> mx.array:
    """(x - mean) / sqrt(var + eps) * weight + bias over the last axis; var divides by n."""
    centred = x - mx.mean(x, axis=-1, keepdims=True)
    y = rms_norm(centred, weight, eps)
    return y if bias is None else y + bias


def rms_norm(x: mx.array, weight: mx.array | None, eps: float) -> mx.array:
    """x / sqrt(mean(x^2) + eps) * weight over the last axis."""
    y = x * mx.rsqrt(mx.mean(x * x, axis=-1, keepdims=True) + eps)
    return y if weight is None else y * weight


def rope(
    x: mx.array,
    dims: int,
    *,
    traditional: bool,
    base: float | None,
    scale: float,
    offset: int | mx.array,
    freqs: mx.array | None = None,
) -> mx.array:
    """Rotate pair i of the first `dims` features of (B, ..., T, D) by scale * position / freqs[i] radians.

    freqs[i] = base^(2i/dims) unless given; pairs are (i, i + dims/2), or (2i, 2i + 1) where `traditional`.
    ValueError: not exactly one of `base` and `freqs` is given.
    """
    if (base is None) == (freqs is None):
        raise ValueError(f"rope needs exactly one of base and freqs, and got base={base!r}, freqs={freqs!r}.")
    half = dims // 2
    if freqs is None:
        freqs = mx.array([base ** (i / half) for i in range(half)], dtype=mx.float64)
    start = mx.array(offset).astype(mx.float64).reshape(-1, *[1] * (x.ndim - 1))
    position = (start + mx.arange(x.shape[-2], dtype=mx.float64)[:, None]) * scale
    angle = position / freqs
    cos, sin = fn.cos(angle), fn.sin(angle)
    turned, rest = x[..., :dims], x[..., dims:]
    a, b = (turned[..., 0::2], turned[..., 1::2]) if traditional else (turned[..., :half], turned[..., half:])
    pair = [a * cos - b * sin, a * sin + b * cos]
    turned = mx.stack(pair, axis=-1).reshape((*x.shape[:-1], dims)) if traditional else mx.concatenate(pair, axis=-1)
    return mx.concatenate([turned, rest], axis=-1)


def scaled_dot_product_attention(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    *,
    scale: float,
    mask=None,
    sinks: mx.array | None = None,
    force_fused: bool = False,
) -> mx.array:
    """softmax(scale q k^T + mask) v for q (B, N, Tq, D) and k, v (B, N', Tk, D); head h reads head h N'/N of k and v.

    `mask`: None, "causal" (the last query sees the last key), boolean (True sees), or additive. `sinks` (N,) are
    logits that take weight and give no value. `force_fused` asks for a kernel and changes nothing here.
    ValueError: another mask.
    """
    groups = q.shape[1] // k.shape[1]
    k, v = mx.repeat(k, groups, axis=1), mx.repeat(v, groups, axis=1)
    scores = (q * scale) @ mx.swapaxes(k, -1, -2)
    if isinstance(mask, str):
        if mask != "causal":
            raise ValueError(f"The attention mask is {mask!r}: give None, 'causal' or an array.")
        rows, columns = scores.shape[-2:]
        mask = mx.arange(columns) <= mx.arange(rows)[:, None] + (columns - rows)
    if mask is not None:
        scores = mx.where(mask, scores, mx.finfo(scores.dtype).min) if mask.dtype == mx.bool_ else scores + mask
    if sinks is None:
        return softmax(scores, -1) @ v
    sinks = mx.broadcast_to(sinks.reshape(-1, 1, 1), (*scores.shape[:-1], 1))
    return softmax(mx.concatenate([sinks, scores], axis=-1), -1)[..., 1:] @ v


def cross_entropy(logits: mx.array, targets: mx.array) -> mx.array:
    """logsumexp(logits) - logits[target] over the last axis."""
    chosen = mx.take_along_axis(logits, targets[..., None], axis=-1)
    return logsumexp(logits - chosen, -1)


def addmm(c: mx.array, a: mx.array, b: mx.array, /, alpha: float = 1.0, beta: float = 1.0) -> mx.array:
    """alpha a b + beta c."""
    return alpha * (a @ b) + beta * c


def gather_mm(
    a: mx.array,
    b: mx.array,
    /,
    lhs_indices: mx.array | None = None,
    rhs_indices: mx.array | None = None,
    *,
    sorted_indices: bool = False,
) -> mx.array:
    """a[lhs_indices] @ b[rhs_indices], the indices addressing flattened batch axes; `sorted_indices` is only a hint."""

    def pick(x: mx.array, indices: mx.array | None) -> mx.array:
        return x if indices is None else mx.take(x.reshape(-1, *x.shape[-2:]), indices, axis=0)

    return pick(a, lhs_indices) @ pick(b, rhs_indices)


def convolution(x: mx.array, weight: mx.array, /, stride=1, padding=0, dilation=1, groups: int = 1) -> mx.array:
    """Cross-correlation of (N, *spatial, C) with (O, *kernel, C/groups), in any dimension: a product per tap."""
    spatial = range(x.ndim - 2)
    stride, padding, dilation = ([n] * len(spatial) if isinstance(n, int) else n for n in (stride, padding, dilation))
    x = mx.pad(x, [(0, 0), *((p, p) for p in padding), (0, 0)])
    kernel = weight.shape[1:-1]
    sizes = [(x.shape[i + 1] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in spatial]
    x, weight = mx.unflatten(x, -1, (groups, -1)), mx.unflatten(weight, 0, (groups, -1))
    total = 0.0
    for tap in itertools.product(*map(range, kernel)):
        where = [
            slice(t * dilation[i], t * dilation[i] + stride[i] * (sizes[i] - 1) + 1, stride[i])
            for i, t in enumerate(tap)
        ]
        window = x[(slice(None), *where)]
        total = total + mx.einsum("...gi,goi->...go", window, weight[(slice(None), slice(None), *tap)])
    return mx.flatten(total, -2, -1)
