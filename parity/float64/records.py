"""What the exact mode of MLX replaces and what it leaves, as records that tests read and reports print.

Bounds count roundings, each at most u = 2^-53, and 2u (one ulp) for a call of the C library:

    exp      expm1 2, sum 1, reciprocal 1                                                        4
    cos      tan 2 (at most once), 1 + T^2 under the root 1, root 1, reciprocal 1                5;  sin one more, 6
    sigmoid  exp 4 (its share of 1 + e is at most half of the rest), sum 1, division 1           6;  slope 6 + 6 + 1
    erf      exp 4, Horner 3 per level and 1.7 levels deep on average at 3/2, constants 3        12; slope x^2 + 8
    erfinv   erf's 12 + 1 times its condition (2.7 at 0.9), and 1                                36; slope 2 y^2 36 + 10
    tan'     twice tan's 2, product 1, sum 1                                                     6;  tanh' 6 + 6 + 2

and for the others, with n <= 12 terms in a sum and logits below 16 in size known to 16u: exp 16 + 4, sum n, division,
product n + 1 more: below 64; backward, where two such factors meet, twice that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import parity.float64.functions as fn
import parity.float64.layers as layers
import parity.float64.quantized as quantized


@dataclass(frozen=True)
class Replacement:
    """One primitive of `mlx.core` (dotted name) and how the exact mode carries it out for float64 arguments.

    `bound` and `slope_bound` are the relative errors allowed to value and derivative on what `tested` names, in units
    of u = 2^-53: counted roundings, entry by entry for elementwise functions, else relative to the largest entry.
    """

    name: str
    how: str
    tested: str
    bound: float
    slope_bound: float
    function: Callable


@dataclass(frozen=True)
class Limitation:
    """A float64 operation of MLX that the exact mode leaves as it is, its relative error, and the reason."""

    name: str
    error: float
    reason: str


_EACH = "12 terms, arguments below 16"
REPLACED = (
    Replacement("exp", "from expm1", "-700 to 709.78 (9u to -708; subnormal to -745)", 4, 4, fn.exp),
    Replacement("sin", "tan x cos x", "size to 1e300, near every k pi/2 to 1e4", 6, 5, fn.sin),
    Replacement("cos", "1/sqrt(1 + tan^2 x)", "size to 1e300, near every k pi/2 to 1e4", 5, 6, fn.cos),
    Replacement("sigmoid", "from exp(-|x|)", "-700 to 700", 6, 13, fn.sigmoid),
    Replacement("erf", "Kummer's series, trapezoidal erfc beyond 3/2", "all; derivative: size to 1", 12, 9, fn.erf),
    Replacement("erfinv", "two Newton steps with erf", "size to 0.9", 36, 108, fn.erfinv),
    Replacement("tan", "derivative 1 + tan^2", "size to 20, near every k pi/2 to 1e4", 2, 6, fn.tan),
    Replacement("tanh", "derivative from sigmoid", "size to 20", 4, 14, fn.tanh),
    Replacement("array.astype", "stays float64", "every floating precision", 0, 0, fn.astype),
    Replacement("expm1", "derivative exp", "size to 40", 2, 4, fn.expm1),
    Replacement("log2", "derivative 1/(x ln 2)", "1e-300 to 1e300", 2, 3, fn.log2),
    Replacement("log10", "derivative 1/(x ln 10)", "1e-300 to 1e300", 2, 3, fn.log10),
    Replacement("logaddexp", "log1p, exp", _EACH, 8, 16, fn.logaddexp),
    Replacement("softmax", "definition", _EACH, 64, 128, layers.softmax),
    Replacement("logsumexp", "definition", _EACH, 64, 128, layers.logsumexp),
    Replacement("logcumsumexp", "logaddexp by doubling", _EACH, 64, 128, layers.logcumsumexp),
    Replacement("addmm", "definition, in double alpha and beta", _EACH, 64, 128, layers.addmm),
    Replacement("gather_mm", "take, then matmul", _EACH, 64, 128, layers.gather_mm),
    Replacement("dequantize", "from the bits", _EACH, 64, 128, quantized.dequantize),
    Replacement("quantized_matmul", "decoded, then matmul", _EACH, 64, 128, quantized.quantized_matmul),
    Replacement("gather_qmm", "decoded, then gather_mm", _EACH, 64, 128, quantized.gather_qmm),
    Replacement("conv1d", "one product per tap", _EACH, 64, 128, layers.convolution),
    Replacement("conv2d", "one product per tap", _EACH, 64, 128, layers.convolution),
    Replacement("conv3d", "one product per tap", _EACH, 64, 128, layers.convolution),
    Replacement("fast.layer_norm", "definition", _EACH, 64, 128, layers.layer_norm),
    Replacement("fast.rms_norm", "definition", _EACH, 64, 128, layers.rms_norm),
    Replacement("fast.rope", "definition; 3u per radian turned", "positions to 10", 64, 128, layers.rope),
    Replacement("fast.scaled_dot_product_attention", "definition", _EACH, 64, 128, layers.scaled_dot_product_attention),
    Replacement("fast.cross_entropy", "logsumexp", _EACH, 64, 128, layers.cross_entropy),
)

LIMITATIONS = (
    Limitation("fft.*", 1e-7, "there is no complex128: a float64 transform is answered in complex64"),
    Limitation("round(decimals=n)", 5e-8, "the power of ten is a float32"),
    Limitation("conv_general, conv_transpose1d/2d/3d, convolve", 1e-7, "float32 accumulators, not replaced"),
    Limitation("nan_to_num, hadamard_transform, qqmm", float("nan"), "MLX refuses float64"),
    Limitation("array(0.1), optimizers' learning_rate", 3e-8, "a Python float becomes float32 unless a dtype is given"),
    Limitation("arrays that a module made in float32", 6e-8, "they keep their digits: set them anew in float64"),
    Limitation("fast.gated_delta_update, fast kernels of the user", float("nan"), "not measured"),
)
