"""The rounding model: real float32 arithmetic stays within its bounds, coarser arithmetic and wrong formulas do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from parity.bounds.rounding import DRAWS, MARGIN, SAMPLES, UNIT, RandomRounding, deviations

SEEDS = st.integers(0, 2**32 - 1)


def tf32(x: torch.Tensor) -> torch.Tensor:
    """x with 10 bits of mantissa, as TF32 reads its operands; float16 has as many."""
    return x.half().to(x.dtype)


def wrong_softmax(x: torch.Tensor) -> torch.Tensor:
    """One term too many in the denominator, as if padding had got in."""
    return x.exp() / (x.exp().sum(-1, keepdim=True) + torch.exp(torch.tensor(-6.0)))


FORMULAS = {
    "product": lambda x, w: x @ w,
    "sum": lambda x, w: x.sum(0) + w.sum(1),
    "softmax": lambda x, w: F.softmax(x, -1),
    "logsumexp": lambda x, w: torch.logsumexp(3 * x, -1),
    "norm": lambda x, w: F.layer_norm(x, x.shape[-1:]),
    "gelu": lambda x, w: F.gelu(x @ w),
    "mean": lambda x, w: x.mean(-1) - w.mean(),
    "log": lambda x, w: torch.log(x * x + 1) / torch.sqrt(x * x + 2),
}
# The same in name, but coarser or wrong: what a bound must not excuse.
IMPOSTORS = {
    "product": lambda x, w: tf32(x) @ tf32(w),
    "softmax": lambda x, w: wrong_softmax(x),
    "logsumexp": lambda x, w: torch.logsumexp(3 * tf32(x), -1),
    "norm": lambda x, w: F.layer_norm(x, x.shape[-1:], eps=1e-6) + 0 * x,
    "gelu": lambda x, w: F.gelu(x @ w, approximate="tanh"),
    "mean": lambda x, w: x.mean(-1) * (1 + 1e-5) - w.mean(),
}


def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Operands that are exact in float32, as float64."""
    g = torch.Generator().manual_seed(seed)
    return torch.randn(8, 32, generator=g).double(), torch.randn(32, 16, generator=g).double()


def error_and_bound(formula, computed, seed: int) -> tuple[float, float]:
    """What `computed` in float32 is off from `formula` in float64, and what the model allows."""
    x, w = drawn(seed)
    deviation = deviations(lambda: {"y": formula(x, w)})["y"]
    return (computed(x.float(), w.float()).double() - formula(x, w)).abs().max().item(), MARGIN * deviation


@pytest.mark.parametrize("name", FORMULAS)
@settings(max_examples=25)
@given(seed=SEEDS)
def test_float32_stays_within_the_bound(name, seed):
    error, bound = error_and_bound(FORMULAS[name], FORMULAS[name], seed)
    assert error <= bound


@pytest.mark.parametrize("name", IMPOSTORS)
@settings(max_examples=10)
@given(seed=SEEDS)
def test_coarse_or_wrong_exceeds_the_bound(name, seed):
    error, bound = error_and_bound(FORMULAS[name], IMPOSTORS[name], seed)
    assert error > bound


@pytest.mark.parametrize("name", FORMULAS)
def test_the_bound_is_not_generous(name):
    """The margin is 8, so a bound is within two orders of magnitude of what float32 really does."""
    errors, bounds = zip(*(error_and_bound(FORMULAS[name], FORMULAS[name], seed) for seed in range(10)), strict=True)
    assert max(errors) > max(bounds) / 100


MOVEMENTS = {
    "transposed": lambda x: x.T,
    "reshaped": lambda x: x.reshape(4, -1).flatten(),
    "taken": lambda x: x[torch.tensor([3, 1, 1])],
    "embedded": lambda x: F.embedding(torch.tensor([0, 2, 2]), x),
    "masked": lambda x: x.masked_fill(x < 0, -torch.inf),
    "greatest": lambda x: x.max(-1).values,
    "stacked": lambda x: torch.stack([x, -x]).split(1)[1],
}


@pytest.mark.parametrize("name", MOVEMENTS)
def test_moving_data_rounds_nothing(name):
    x, _ = drawn(0)
    assert deviations(lambda: {"y": MOVEMENTS[name](x)}) == {"y": 0.0}


def test_gradients_are_rounded_too():
    x, w = drawn(0)

    def gradients() -> dict[str, torch.Tensor]:
        leaf = x.clone().requires_grad_()
        return {"dx": torch.autograd.grad(F.gelu(leaf @ w).sum(), leaf)[0]}

    assert 0 < deviations(gradients)["dx"] < 1e-4


@pytest.mark.parametrize("name", FORMULAS)
def test_the_response_is_linear_in_u(name):
    """Why one measurement serves every precision: a 64th of the roundoff leaves a 64th of the change."""
    x, w = drawn(1)
    exact, changes = FORMULAS[name](x, w), []
    for unit in (UNIT["float32"], UNIT["float32"] / 64):
        with RandomRounding(unit, seed=5):
            changes.append((FORMULAS[name](x, w) - exact).abs().max())
    assert changes[0] > 0
    assert abs(changes[0] / changes[1] / 64 - 1) < 1e-3


@pytest.mark.parametrize(("signs", "growth"), [("one", 10), ("alternating", 1)])
def test_a_mean_of_n_ones_is_a_random_walk(signs, growth):
    """n partial sums of size n are off by n sqrt(n) u, a hundred times n by ten times more per term; where the terms
    cancel, the partial sums are of size sqrt(n), and the mean is off by u however many there are. The terms are thirds:
    sums of integers are exact."""
    deviation = {}
    for n in (16, 1600):
        terms = torch.full((64, n), 1 / 3, dtype=torch.float64)
        terms[:, 1::2] *= 1 if signs == "one" else -1
        deviation[n] = deviations(lambda terms=terms: {"y": terms.mean(-1)})["y"]
    assert 0.8 * growth < deviation[1600] / deviation[16] < 1.25 * growth


@pytest.mark.parametrize(("elements", "samples"), [(1, 16), (2, 8), (3, 6), (100, 6)])
def test_few_elements_take_more_samples(elements, samples):
    calls = []
    deviations(lambda: calls.append(0) or {"y": torch.ones(elements).double() / 3, "z": torch.ones(50).double()})
    assert len(calls) == 1 + samples


def false_alarm(samples: int, elements: int, k: float) -> float:
    """P(S, n, k) of `parity.bounds.rounding`, summed over the distribution function of the greatest random error."""
    below = np.linspace(0, 1, 2_000_001)[1:-1]  # of the greatest of S n
    x = special.erfinv(below ** (1 / (samples * elements))) * 2**0.5
    return float(np.mean(1 - special.erf(MARGIN / k * x / 2**0.5) ** elements))


@pytest.mark.parametrize("elements", range(1, 9))
def test_a_false_alarm_is_improbable(elements):
    """As the module says, even where a framework's errors are twice the model's."""
    samples = max(SAMPLES, -(-DRAWS // elements))
    assert false_alarm(samples, elements, 2) < 3e-6
    assert false_alarm(SAMPLES, elements, 1) < 2e-5


def test_a_deviation_that_is_nan_stays_nan():
    """Else its bound would be that of the other samples, and nothing would fail."""
    answers = iter([1.0, 1.1, float("nan"), 1.2])
    deviation = deviations(lambda: {"y": torch.tensor([next(answers)], dtype=torch.float64)}, samples=3)["y"]
    assert np.isnan(deviation) and not deviation >= 0


def test_the_second_derivative_of_abs():
    """It is zero, and PyTorch hands it on as a tensor without memory."""

    def second():
        x = torch.tensor([1.5, -2.0], dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad((x.abs() * x).sum(), x, create_graph=True)
        return {"x": torch.autograd.grad(slope.sum(), x)[0]}

    assert deviations(second)["x"] >= 0
