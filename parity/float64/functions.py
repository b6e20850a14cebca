"""Elementwise functions of MLX in float64, right to a few ulp, built from primitives that are.

On the CPU, MLX's float64 `exp`, `sin`, `cos`, `erf` and `sigmoid` evaluate float32 approximations (relative errors
1e-4 to 1e-7), while `expm1`, `log1p`, `tan`, `sqrt` and the four operations come from the C library and are right. So:

    exp      1 + expm1(x) for x >= 0, its reciprocal at |x| below (there 1 + expm1(x) would cancel);
             under -700, where exp(|x|) nears overflow, the square of the value at x/2
    cos      T = tan x, t = tan(x/2):  |cos x| = 1/sqrt(1 + T^2),  with the sign of t T.  No cancellation, hence
             relatively right even at the zeros:  d ln|cos| / d ln T = -T^2/(1 + T^2), never above 1 in size
    sin      T cos x
    sigmoid  e = exp(-|x|):  1/(1 + e) for x >= 0, e/(1 + e) below
    erf      |x| <= 3/2: Kummer's series, all terms positive (Abramowitz & Stegun 7.1.6, in Horner form, z = x^2)
                 erf x = 2x/sqrt(pi) exp(-z) (1 + z/(3/2) (1 + z/(5/2) (1 + ...)))
             whose two factors share one rounded z, so that its error cancels between them
             beyond: 1 - erfc |x|, the trapezoidal rule (step h) on erfc's integral, all terms positive as well
                 erfc x = (2hx/pi) exp(-z) (1/(2z) + sum_n exp(-n^2h^2)/(n^2h^2 + z)),   error about 2 exp(-2 pi x/h)
    erfinv   two Newton steps on MLX's float32 value (1e-7 -> 1e-14 -> rounding)

Derivatives are given in closed form by `elementwise`, in terms of the accurate functions again, so that they too are
accurate and can be differentiated to any order. Where MLX has a good value and a poor derivative (`tan`, `log2`,
`log10`, and the cancelling 1 - tanh^2 and 1 + expm1), only the derivative is replaced. That of tanh is 4 s(2x) s(-2x),
s the sigmoid; its derivative is given too, -2 tanh times it, as s(-2x) - s(2x) cancels near 0. Errors: `records`.

Source: Abramowitz & Stegun (1964), chapter 7; Hunter & Regan, "A note on the evaluation of the complementary error
function", Math. Comp. 26 (1972).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import mlx.core as mx

Function = Callable[..., mx.array]

# MLX's functions, taken before `exact()` puts replacements under these names.
_tan, _tanh, _expm1, _log2, _log10, _erfinv = mx.tan, mx.tanh, mx.expm1, mx.log2, mx.log10, mx.erfinv
_astype = mx.array.astype

_values_only: list[bool] = []  # not empty inside `values_only`
SERIES_TERMS = 24  # at z = 9/4 the next term is below 2^-56 of the sum
STEP, STEPS = 0.2, 31  # 2 exp(-2 pi 1.5/0.2) < 1e-20, and exp(-(31/5)^2) < 1e-16


def elementwise(value: Function, slope: Function) -> Function:
    """The function `value` of one array, differentiated (reverse and forward) as `slope` says."""
    function = mx.custom_function(value)
    function.vjp(lambda x, cotangent, _: cotangent * slope(x))
    function.jvp(lambda x, tangent: tangent * slope(x))
    return lambda x: (value if _values_only else function)(x)


@contextmanager
def values_only() -> Iterator[None]:
    """Functions without their rules of derivatives, which MLX can trace: it cannot export what has them."""
    _values_only.append(True)
    try:
        yield
    finally:
        _values_only.pop()


def _exp_value(x: mx.array) -> mx.array:
    size = mx.abs(x)
    grown = 1 + _expm1(size)
    half = 1 / (1 + _expm1(size / 2))
    return mx.where(x >= 0, grown, mx.where(x > -700, 1 / grown, half * half))


def _cos_value(x: mx.array) -> mx.array:
    tangent = _tan(x)
    size = 1 / mx.sqrt(1 + tangent * tangent)
    return mx.where(_tan(x / 2) * tangent >= 0, size, -size)


def _sigmoid_value(x: mx.array) -> mx.array:
    power = exp(-mx.abs(x))
    return mx.where(x >= 0, 1.0, power) / (1 + power)


def _erf_value(x: mx.array) -> mx.array:
    size = mx.abs(x)
    z = mx.minimum(size, 1.5) ** 2
    series = mx.ones_like(z)
    for n in range(SERIES_TERMS, 0, -1):
        series = 1 + z / (n + 0.5) * series
    near = (2 / math.sqrt(math.pi)) * x * exp(-z) * series
    distant = mx.clip(size, 1.5, 30)  # exp(-900) is 0: nothing is left of erfc
    z = distant * distant
    total = 1 / (2 * z)
    for n in range(1, STEPS):
        total = total + math.exp(-((n * STEP) ** 2)) / ((n * STEP) ** 2 + z)
    far = 1 - (2 * STEP / math.pi) * distant * exp(-z) * total
    return mx.where(size <= 1.5, near, mx.sign(x) * far)


def _erfinv_value(x: mx.array) -> mx.array:
    y = _erfinv(x)
    for _ in range(2):
        y = mx.where(mx.abs(x) < 1, y - (erf(y) - x) * (math.sqrt(math.pi) / 2) * exp(y * y), y)
    return y


def _over_x(constant: float) -> Function:
    return lambda x: 1 / (x * constant)


exp = elementwise(_exp_value, lambda x: exp(x))
cos = elementwise(_cos_value, lambda x: -sin(x))
sin = elementwise(lambda x: _tan(x) * _cos_value(x), cos)
sigmoid = elementwise(_sigmoid_value, lambda x: sigmoid(x) * sigmoid(-x))
erf = elementwise(_erf_value, lambda x: (2 / math.sqrt(math.pi)) * exp(-x * x))
erfinv = elementwise(_erfinv_value, lambda x: (math.sqrt(math.pi) / 2) * exp(erfinv(x) ** 2))
tan = elementwise(_tan, lambda x: 1 + tan(x) ** 2)
tanh = elementwise(_tanh, lambda x: _tanh_slope(x))
_tanh_slope = elementwise(lambda x: 4 * sigmoid(2 * x) * sigmoid(-2 * x), lambda x: -2 * tanh(x) * _tanh_slope(x))
expm1 = elementwise(_expm1, exp)
log2 = elementwise(_log2, _over_x(math.log(2)))
log10 = elementwise(_log10, _over_x(math.log(10)))


def _logaddexp_value(a: mx.array, b: mx.array) -> mx.array:
    top = mx.maximum(a, b)
    # Two equal infinities have no difference; their maximum is the answer, and any infinity's.
    return mx.where(mx.isinf(top), top, top + mx.log1p(exp(-mx.abs(a - b))))


def _shares(a: mx.array, b: mx.array) -> tuple[mx.array, mx.array]:
    """d/da and d/db of log(e^a + e^b): how much of the sum each term is; half each at a tie, infinite ones included."""
    ahead = mx.where(a == b, 0.0, a - b)
    return sigmoid(ahead), sigmoid(-ahead)


_logaddexp = mx.custom_function(_logaddexp_value)
_logaddexp.vjp(lambda ab, cotangent, _: tuple(cotangent * share for share in _shares(*ab)))
# A constant argument has no tangent.
_logaddexp.jvp(lambda ab, tangents: sum(t * s for t, s in zip(tangents, _shares(*ab), strict=True) if t is not None))


def logaddexp(a: mx.array | float, b: mx.array | float) -> mx.array:
    """log(e^a + e^b) with broadcasting, in float64."""
    # Broadcast outside the custom rule, so that MLX sums the gradient over repeated entries.
    return _logaddexp(*mx.broadcast_arrays(*(mx.array(v, dtype=mx.float64) for v in (a, b))))


def astype(x: mx.array, dtype: mx.Dtype) -> mx.array:
    """x in another precision; but float64 stays float64 where a lower one is asked for, as models do inside."""
    # A new array in any case: a caller that goes on with `*=` must not change the old one.
    return _astype(x, x.dtype if mx.issubdtype(dtype, mx.floating) else dtype)
