"""Every elementwise function of the exact mode against 50-digit arithmetic, value and derivatives, over its range."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from mpmath import mp, mpf

from parity.float64 import REPLACED, exact

U = 2.0**-53
BOUNDS = {entry.name: (entry.bound, entry.slope_bound) for entry in REPLACED}
RNG = np.random.default_rng(20)


def uniform(low: float, high: float, count: int = 400) -> np.ndarray:
    return RNG.uniform(low, high, count)


def magnitudes(low: float, high: float, count: int = 200) -> np.ndarray:
    """Numbers of both signs whose decimal exponents are uniform."""
    return 10 ** RNG.uniform(low, high, count) * RNG.choice([-1.0, 1.0], count)


def beside(x: np.ndarray) -> np.ndarray:
    """Every number and its two neighbours among the doubles."""
    return np.concatenate([np.nextafter(x, -np.inf), x, np.nextafter(x, np.inf)])


def logistic(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-x))


QUARTERS = np.arange(1, 6400) * (np.pi / 2)  # the zeros of sin and cos up to 1e4, as near as doubles come
QUARTERS = np.concatenate([QUARTERS, beside(QUARTERS[:200]), beside(QUARTERS[-100:])])
ANGLES = np.concatenate([uniform(-20, 20), magnitudes(-300, 300), QUARTERS, -QUARTERS])

# name: (the function and its derivative in mpmath, where the value is tested, where the derivative is)
CASES = {
    "exp": (mp.exp, mp.exp, np.concatenate([uniform(-700, 709.78), uniform(-1, 1), magnitudes(-300, 0)]), None),
    "sin": (mp.sin, mp.cos, ANGLES, None),
    "cos": (mp.cos, lambda x: -mp.sin(x), ANGLES, None),
    "sigmoid": (
        logistic,
        lambda x: logistic(x) * logistic(-x),
        np.concatenate([uniform(-700, 700), uniform(-5, 5), magnitudes(-300, 0)]),
        None,
    ),
    "erf": (
        mp.erf,
        lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
        np.concatenate([uniform(-1.5, 1.5), uniform(-7, 7), magnitudes(-300, 3), beside(np.array([-1.5, 1.5, 6.0]))]),
        np.concatenate([uniform(-1, 1), magnitudes(-300, 0)]),
    ),
    "erfinv": (
        mp.erfinv,
        lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(mp.erfinv(x) ** 2),
        np.concatenate([uniform(-0.9, 0.9, 60), magnitudes(-12, -1, 40)]),
        None,
    ),
    "tan": (mp.tan, lambda x: 1 + mp.tan(x) ** 2, np.concatenate([uniform(-20, 20), QUARTERS]), None),
    "tanh": (mp.tanh, lambda x: 1 / mp.cosh(x) ** 2, uniform(-20, 20), None),
    "expm1": (mp.expm1, mp.exp, uniform(-40, 40), None),
    "log2": (lambda x: mp.log(x, 2), lambda x: 1 / (x * mp.log(2)), np.abs(magnitudes(-300, 300)), None),
    "log10": (mp.log10, lambda x: 1 / (x * mp.log(10)), np.abs(magnitudes(-300, 300)), None),
}


@pytest.fixture(autouse=True)
def on_the_cpu():
    """MLX has float64 on the CPU only."""
    with mx.stream(mx.cpu), mp.workdps(50):
        yield


def double(values) -> mx.array:
    return mx.array(np.asarray(values, np.float64), dtype=mx.float64)


def derivative(function):
    return mx.grad(lambda x: function(x).sum())


def assert_within(got: mx.array, reference, xs: np.ndarray, bound: float, name: str) -> None:
    """Every relative error is at most `bound` u; the message names the worst argument."""
    __tracebackhide__ = True
    errors = []
    for x, value in zip(xs.tolist(), got.tolist(), strict=True):
        true = reference(mpf(x))
        errors.append(float(abs((mpf(value) - true) / true)) / U if np.isfinite(value) else np.inf)
    worst = int(np.argmax(errors))
    print(f"{name}: {errors[worst]:.2f} u at {xs[worst]!r} (bound {bound} u)")
    assert errors[worst] <= bound, f"{name}({xs[worst]!r}) is off by {errors[worst]:.3g} u; allowed: {bound} u"


def test_every_elementwise_record_has_a_case():
    one_array = {name for name in BOUNDS if "." not in name and not name.startswith("conv")}
    rest = {"softmax", "logsumexp", "logcumsumexp", "logaddexp", "addmm", "gather_mm"}
    rest |= {"dequantize", "quantized_matmul", "gather_qmm"}
    assert set(CASES) == one_array - rest


@pytest.mark.parametrize("name", CASES)
def test_value(name):
    reference, _, xs, _ = CASES[name]
    with exact():
        assert_within(getattr(mx, name)(double(xs)), reference, xs, BOUNDS[name][0], name)


@pytest.mark.parametrize("name", CASES)
def test_derivative(name):
    _, reference, xs, narrower = CASES[name]
    xs = xs if narrower is None else narrower
    if name in ("sin", "cos", "tan"):  # where the derivative neither is a zero's neighbour of 0 nor overflows
        xs = xs[np.abs(xs) > 1e-150]
    with exact():
        slopes = derivative(getattr(mx, name))(double(xs))
    assert_within(slopes, reference, xs, BOUNDS[name][1], f"{name}'")


@pytest.mark.parametrize("name", CASES)
def test_second_derivative_jvp_and_vmap(name):
    reference = CASES[name][1]
    xs = np.array([0.1, 0.37, 0.62, 0.85])
    with exact():
        function = getattr(mx, name)
        first, second = derivative(function), derivative(derivative(function))
        x, one = double(xs), double(np.ones(4))
        # Products of a handful of first derivatives and values: ten of the worst of them.
        assert_within(second(x), lambda p: mp.diff(reference, p), xs, 10 * max(BOUNDS[name]), f"{name}''")
        forward = mx.jvp(function, [x], [one])[1][0]
        assert forward.tolist() == first(x).tolist()
        assert mx.vmap(function)(x.reshape(2, 2)).flatten().tolist() == function(x).tolist()


def test_the_second_derivative_of_tanh_near_zero():
    """-2 tanh sech^2, which the derivative of a product of sigmoids would leave to a cancellation."""
    xs = magnitudes(-12, -1)
    with exact():
        second = derivative(derivative(mx.tanh))(double(xs))
    assert_within(second, lambda x: -2 * mp.tanh(x) / mp.cosh(x) ** 2, xs, sum(BOUNDS["tanh"]) + 1, "tanh''")


@pytest.mark.parametrize("low, high, bound", [(-708.3, -700, 9), (-745, -708.4, 9)])
def test_exp_near_underflow(low, high, bound):
    """Below -708.4 results are subnormal: half the least double (2^-1074) of absolute error comes on top."""
    xs = np.append(uniform(low, high), low)
    with exact():
        got = mx.exp(double(xs)).tolist()
    for point, value in zip(xs.tolist(), got, strict=True):
        true = mp.exp(mpf(point))
        assert abs(mpf(value) - true) <= bound * mpf(U) * true + mpf(2) ** -1075, point


@pytest.mark.parametrize(
    "name, xs, values",
    [
        ("exp", [0, np.inf, -np.inf, 710, -746], [1, np.inf, 0, np.inf, 0]),
        ("sin", [0, 5e-324], [0, 5e-324]),
        ("cos", [0, 5e-324], [1, 1]),
        ("sigmoid", [0, np.inf, -np.inf, 800, -800], [0.5, 1, 0, 1, 0]),
        ("erf", [0, np.inf, -np.inf, 1e300, -6.5], [0, 1, -1, 1, -1]),
        ("erfinv", [0, 1, -1], [0, np.inf, -np.inf]),
    ],
)
def test_special_arguments(name, xs, values):
    with exact():
        function = getattr(mx, name)
        assert function(double(xs)).tolist() == values
        undefined = [np.nan, np.inf] if name in ("sin", "cos") else [np.nan]
        assert np.isnan(np.array(function(double(undefined)))).all()


def test_logaddexp():
    """Bound relative to the two terms max and log1p(exp), between which cancellation is the caller's."""
    a, b = uniform(-30, 30), uniform(-30, 30)
    with exact():
        function = mx.logaddexp
        value = function(double(a), double(b)).tolist()
        ga, gb = (mx.grad(lambda x, y: function(x, y).sum(), argnums=i)(double(a), double(b)).tolist() for i in (0, 1))
        forward = mx.jvp(function, [double(a), double(b)], [double(np.ones(400)), double(np.zeros(400))])[1][0].tolist()
        left, right = double([np.inf, -np.inf, np.inf, 2]), double([np.inf, -np.inf, -np.inf, -np.inf])
        ties, shares = function(left, right).tolist(), mx.grad(lambda x: function(x, right).sum())(left).tolist()
        scalar = mx.grad(lambda x: mx.logaddexp(x, 0).sum())(double(np.zeros((2, 2)))).tolist()
    assert ties == [np.inf, -np.inf, np.inf, 2] and shares == [0.5, 0.5, 1, 1] and forward == ga
    assert scalar == [[0.5, 0.5], [0.5, 0.5]]
    for x, y, v, dx, dy in zip(a, b, value, ga, gb, strict=True):
        top, rest = max(x, y), mp.log1p(mp.exp(-abs(mpf(x) - mpf(y))))
        assert abs(mpf(v) - (top + rest)) <= BOUNDS["logaddexp"][0] * U * (abs(top) + rest)
        # The slope sees the rounding of x - y as well: at most |x - y| u, whence 60 more.
        share = logistic(mpf(x) - mpf(y))
        assert abs(mpf(dx) / share - 1) <= (BOUNDS["logaddexp"][1] + 60) * U
        assert abs(mpf(dy) / (1 - share) - 1) <= (BOUNDS["logaddexp"][1] + 60) * U


def test_logaddexp_with_a_constant():
    """Forward mode hands no tangent for it; the other argument's share is the derivative."""
    x = mx.array([0.5], dtype=mx.float64)
    with exact():
        _, [slope] = mx.jvp(lambda x: mx.logaddexp(x, mx.array([0.25], dtype=mx.float64)), [x], [mx.ones_like(x)])
        assert slope.item() == mx.sigmoid(x - 0.25).item()
