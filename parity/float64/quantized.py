"""MLX's quantized products in float64: the packed weights decoded by the definition of their layout, then a product.

A row of n weights in `bits` bits each is one stream of bits, the lowest first, in 32-bit words: weight i begins at bit
i * bits. Every `group_size` weights share a scale s and an offset b, and a code q means s q + b ("affine").

The other layouts ("mxfp4" and so on) are floating numbers of few bits times a power of two or an 8-bit float: float32
holds them exactly, so MLX's decoding serves.
"""

from __future__ import annotations

import mlx.core as mx

# MLX's functions, taken before `exact()` puts replacements under these names.
_dequantize, _astype = mx.dequantize, mx.array.astype

DEFAULTS = {"affine": (64, 4), "mxfp4": (32, 4), "nvfp4": (16, 4), "mxfp8": (32, 8)}  # mode -> (group size, bits)


def codes(weight: mx.array, bits: int) -> mx.array:
    """(..., n) codes from 0 to 2^bits - 1, float64, of (..., n * bits / 32) uint32 words."""
    octets = mx.view(weight, mx.uint8)[..., None]
    stream = ((octets >> mx.arange(8, dtype=mx.uint8)) & 1).reshape(*weight.shape[:-1], -1, bits)
    return (_astype(stream, mx.float64) * mx.array([2.0**k for k in range(bits)], mx.float64)).sum(-1)


def dequantize(
    w: mx.array,
    /,
    scales: mx.array,
    biases: mx.array | None = None,
    group_size: int | None = None,
    bits: int | None = None,
    mode: str = "affine",
    global_scale: mx.array | None = None,
    dtype: mx.Dtype | None = None,
) -> mx.array:
    """(..., n) weights, float64; `dtype` asks for a lower precision and changes nothing here."""
    size, width = DEFAULTS[mode]
    size, width = group_size or size, bits or width
    if mode != "affine":
        more = {} if global_scale is None else {"global_scale": global_scale}
        return _astype(_dequantize(w, scales, biases, size, width, mode, dtype=mx.float32, **more), mx.float64)
    numbers = mx.unflatten(codes(w, width), -1, (-1, size))
    grouped = numbers * _astype(scales, mx.float64)[..., None] + _astype(biases, mx.float64)[..., None]
    return mx.flatten(grouped, -2, -1)


def quantized_matmul(
    x: mx.array,
    w: mx.array,
    /,
    scales: mx.array,
    biases: mx.array | None = None,
    transpose: bool = True,
    group_size: int | None = None,
    bits: int | None = None,
    mode: str = "affine",
) -> mx.array:
    """x times the decoded matrix, or its transpose."""
    decoded = dequantize(w, scales, biases, group_size, bits, mode)
    return x @ (mx.swapaxes(decoded, -1, -2) if transpose else decoded)


def gather_qmm(
    x: mx.array,
    w: mx.array,
    /,
    scales: mx.array,
    biases: mx.array | None = None,
    lhs_indices: mx.array | None = None,
    rhs_indices: mx.array | None = None,
    transpose: bool = True,
    group_size: int | None = None,
    bits: int | None = None,
    mode: str = "affine",
    global_scale: mx.array | None = None,
    *,
    sorted_indices: bool = False,
) -> mx.array:
    """The same with matrices chosen by index, as `mx.gather_mm` chooses them."""
    decoded = dequantize(w, scales, biases, group_size, bits, mode, global_scale)
    decoded = mx.swapaxes(decoded, -1, -2) if transpose else decoded
    return mx.gather_mm(x, decoded, lhs_indices, rhs_indices, sorted_indices=sorted_indices)
