"""Every elementwise function of the exact mode against 50-digit arithmetic, value and derivatives, over its range."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from mpmath import mp, mpf

from parity.float64 import REPLACED, exact

U = 2.0**-53
BOUNDS = {entry.name: (entry.bound, entry.slope_bound) for entry in REPLACED}
CHANCE = np.random.default_rng(20)


def deviation(low: float, high: float, count: int = 400) -> np.ndarray:
    return CHANCE.uniform(low, high, count)


def magnitudes(low: float, high: float, count: int = 200) -> np.ndarray:
    """Numbers of both signs whose decimal exponents are deviation evenly."""
    return 10 ** CHANCE.uniform(low, high, count) * CHANCE.choice([-1.0, 1.0], count)


def beside(points: np.ndarray) -> np.ndarray:
    """Every point and its two neighbours among the doubles."""
    return np.concatenate([np.nextafter(points, -np.inf), points, np.nextafter(points, np.inf)])


def logistic(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-x))


QUARTERS = np.arange(1, 6400) * (np.pi / 2)  # the zeros of sin and cos up to 1e4, as near as doubles come
QUARTERS = np.concatenate([QUARTERS, beside(QUARTERS[:200]), beside(QUARTERS[-100:])])
ANGLES = np.concatenate([deviation(-20, 20), magnitudes(-300, 300), QUARTERS, -QUARTERS])

# name: (the function and its derivative in mpmath, where the value is tested, where the derivative is)
CASES = {
    "exp": (mp.exp, mp.exp, np.concatenate([deviation(-700, 709.78), deviation(-1, 1), magnitudes(-300, 0)]), None),
    "sin": (mp.sin, mp.cos, ANGLES, None),
    "cos": (mp.cos, lambda x: -mp.sin(x), ANGLES, None),
    "sigmoid": (
        logistic,
        lambda x: logistic(x) * logistic(-x),
        np.concatenate([deviation(-700, 700), deviation(-5, 5), magnitudes(-300, 0)]),
        None,
    ),
    "erf": (
        mp.erf,
        lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
        np.concatenate(
            [deviation(-1.5, 1.5), deviation(-7, 7), magnitudes(-300, 3), beside(np.array([-1.5, 1.5, 6.0]))]
        ),
        np.concatenate([deviation(-1, 1), magnitudes(-300, 0)]),
    ),
    "erfinv": (
        mp.erfinv,
        lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(mp.erfinv(x) ** 2),
        np.concatenate([deviation(-0.9, 0.9, 60), magnitudes(-12, -1, 40)]),
        None,
    ),
    "tan": (mp.tan, lambda x: 1 + mp.tan(x) ** 2, np.concatenate([deviation(-20, 20), QUARTERS]), None),
    "tanh": (mp.tanh, lambda x: 1 / mp.cosh(x) ** 2, deviation(-20, 20), None),
    "expm1": (mp.expm1, mp.exp, deviation(-40, 40), None),
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


def assert_within(got: mx.array, reference, points: np.ndarray, bound: float, name: str) -> None:
    """Every relative error is at most `bound` u; the message names the worst point."""
    __tracebackhide__ = True
    errors = []
    for point, value in zip(points.tolist(), got.tolist(), strict=True):
        true = reference(mpf(point))
        errors.append(float(abs((mpf(value) - true) / true)) / U if np.isfinite(value) else np.inf)
    worst = int(np.argmax(errors))
    print(f"{name}: {errors[worst]:.2f} u at {points[worst]!r} (bound {bound} u)")
    assert errors[worst] <= bound, f"{name}({points[worst]!r}) is off by {errors[worst]:.3g} u; allowed: {bound} u"


def test_every_elementwise_record_has_a_case():
    one_array = {name for name in BOUNDS if "." not in name and not name.startswith("conv")}
    rest = {"softmax", "logsumexp", "logcumsumexp", "logaddexp", "addmm", "gather_mm"}
    assert set(CASES) == one_array - rest


@pytest.mark.parametrize("name", CASES)
def test_value(name):
    reference, _, points, _ = CASES[name]
    with exact():
        assert_within(getattr(mx, name)(double(points)), reference, points, BOUNDS[name][0], name)


@pytest.mark.parametrize("name", CASES)
def test_derivative(name):
    _, reference, points, narrower = CASES[name]
    points = points if narrower is None else narrower
    if name in ("sin", "cos", "tan"):  # where the derivative neither is a zero's neighbour of 0 nor overflows
        points = points[np.abs(points) > 1e-150]
    with exact():
        slopes = derivative(getattr(mx, name))(double(points))
    assert_within(slopes, reference, points, BOUNDS[name][1], f"{name}'")


@pytest.mark.parametrize("name", CASES)
def test_second_derivative_jvp_and_vmap(name):
    reference = CASES[name][1]
    points = np.array([0.1, 0.37, 0.62, 0.85])
    with exact():
        function = getattr(mx, name)
        first, second = derivative(function), derivative(derivative(function))
        x, one = double(points), double(np.ones(4))
        # Products of a handful of first derivatives and values: ten of the worst of them.
        assert_within(second(x), lambda p: mp.diff(reference, p), points, 10 * max(BOUNDS[name]), f"{name}''")
        forward = mx.jvp(function, [x], [one])[1][0]
        assert forward.tolist() == first(x).tolist()
        assert mx.vmap(function)(x.reshape(2, 2)).flatten().tolist() == function(x).tolist()


@pytest.mark.parametrize("low, high, bound", [(-708.3, -700, 9), (-745, -708.4, 9)])
def test_exp_near_underflow(low, high, bound):
    """Below -708.4 results are subnormal: half the least double (2^-1074) of absolute error comes on top."""
    points = np.append(deviation(low, high), low)
    with exact():
        got = mx.exp(double(points)).tolist()
    for point, value in zip(points.tolist(), got, strict=True):
        true = mp.exp(mpf(point))
        assert abs(mpf(value) - true) <= bound * mpf(U) * true + mpf(2) ** -1075, point


@pytest.mark.parametrize(
    "name, points, values",
    [
        ("exp", [0, np.inf, -np.inf, 710, -746], [1, np.inf, 0, np.inf, 0]),
        ("sin", [0, 5e-324], [0, 5e-324]),
        ("cos", [0, 5e-324], [1, 1]),
        ("sigmoid", [0, np.inf, -np.inf, 800, -800], [0.5, 1, 0, 1, 0]),
        ("erf", [0, np.inf, -np.inf, 1e300, -6.5], [0, 1, -1, 1, -1]),
        ("erfinv", [0, 1, -1], [0, np.inf, -np.inf]),
    ],
)
def test_special_points(name, points, values):
    with exact():
        function = getattr(mx, name)
        assert function(double(points)).tolist() == values
        undefined = [np.nan, np.inf] if name in ("sin", "cos") else [np.nan]
        assert np.isnan(np.array(function(double(undefined)))).all()


def test_logaddexp():
    """Bound relative to the two terms max and log1p(exp), between which cancellation is the caller's."""
    a, b = deviation(-30, 30), deviation(-30, 30)
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
