"""How far may rounding carry a computation? Measured by computing it with random rounding, not guessed.

Model. An operation in a precision with unit roundoff u returns each element with an independent relative error,
uniform in [-u, u]. A sum S of n terms x_i, or of products, rounds n partial sums of size up to
max(|S|, sqrt(sum x_i^2)) (terms of one sign, terms that cancel), and errors of mean zero add up like a random walk: it
is off by up to u sqrt(n) max(|S|, sqrt(sum x_i^2)), the probabilistic bound (Higham & Mary 2019). The operation itself
tells both: on squared operands it returns sum x_i^2, on ones it returns n, be it a convolution or the scattered sum
that is an embedding's gradient. A sum or difference a + b is off by up to u (|a| + |b|): a fused kernel may well round
its terms apart, as LayerNorm does, which computes x r - m r for (x - m) r. Moving data about (views, gathers, masks)
rounds nothing, and so do sums of integers and products with a power of two (`exact_results`).

Method (Monte Carlo arithmetic; Parker 1997, Stott Parker & Pierce 2000). PyTorch runs the very computation in float64,
and a dispatch mode adds such an error after every operation of ATen, forward and backward. Operations that would do
many roundings inside (norms, softmax, gelu, fused attention) are first decomposed into elementary ones, since an error
must be free to grow inside them. For float64 and float32 u is 2^-24: float64 leaves enough digits for the noise, and
the response is linear in u, so it is rescaled. In lower precisions it is not linear, and u is theirs. The greatest
change of each tensor over a few samples is its `deviation`.

    bound = MARGIN * deviation * (u / 2^-24)

MARGIN = 8 is the product of two factors: 4, because elementary functions of the frameworks are accurate to about two
ulp where the model grants half an ulp; and 2, because another order of summation and the greatest of many errors may
exceed what a few samples showed. A tensor that is only moved about gets the bound 0: it must agree bit for bit. A
defect of a formula or of a layer exceeds the bound by orders of magnitude; a TF32 product by 2^13 / 8.

How many samples? A deviation is the greatest of S n random errors (S samples of n elements), and they may all happen to
be slight, though the framework's error is not. Say its errors are k times the model's, all normal. The verdict is a
false alarm with the probability that the greatest of n exceeds 8 / k times the greatest of the S n,

    P(S, n, k) = integral of (1 - F(8 x / k)^n) dF(x)^(S n),     F(x) = erf(x / sqrt 2);
    P(S, 1, k) ~ (2 / pi)^(S / 2) (k / 8)^S (S - 1)!!     for even S and k << 8

    S, n       6, 1       6, 2       6, 3       8, 2       16, 1
    k = 1      1e-5       1e-8       4e-11      2e-10      1e-10
    k = 2      6e-4       2e-5       2e-6       3e-6       1e-6

It is the draws S n that count: with at least DRAWS = 16 of them, P stays under 3e-6 even for k = 2 (measured over this
project's tensors, k is 0.5 in the median and 1 at the ninth decile). So 6 samples do but for tensors of one or two
elements, a loss for instance. Elements that err together, or of which one dwarfs the rest, count as one, but the
power is 6 in S even then: P <= P(6, 1, k).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from parity.bounds.exact_results import exact_at
from parity.bounds.operations import ADDITIONS, DECOMPOSED, EXACT, PRODUCTS, SUMS
from parity.bounds.units import MARGIN, UNIT, allowance
from parity.results.verdict import Verdict

__all__ = ["MARGIN", "UNIT", "Deviations", "RandomRounding", "allowance", "deviations", "retry_with_more_samples"]
SAMPLES, DRAWS = 6, 16  # at least so many samples, and samples x elements


class RandomRounding(TorchDispatchMode):
    """Adds random rounding errors of unit roundoff `unit` to every floating result, from a seeded generator."""

    def __init__(self, unit: float, seed: int):
        super().__init__()
        self.unit = unit
        self.generator = torch.Generator().manual_seed(seed)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in DECOMPOSED:
            with self:
                outcome = DECOMPOSED[func](*args, **kwargs)
            if outcome is not NotImplemented:
                return outcome
        if func.overloadpacket in EXACT:
            return func(*args, **kwargs)
        # Before the call, which may overwrite its operands.
        terms, exact = self._terms(func, args, kwargs), exact_at(func, args, kwargs, self.unit)
        outcome = func(*args, **kwargs)
        if isinstance(outcome, Tensor):
            return self._rounded(outcome, *(terms or (outcome, 1.0)), func, exact)
        sizes, counts = terms or (outcome, tree_map(lambda _: 1.0, outcome))
        return tree_map(lambda *one: self._rounded(*one, func), outcome, sizes, counts)

    def _terms(self, func, args, kwargs) -> tuple | None:
        """(the size of the terms behind each result, how many roundings add up); None: the result itself, once."""
        if func.overloadpacket in ADDITIONS:
            return abs(args[0]) + abs(args[1]) * abs(kwargs.get("alpha", 1)), 1.0
        if func.overloadpacket not in SUMS:
            return None
        # addmm's factors weigh its terms, so squares by their squares.
        squared = kwargs | {key: kwargs[key] ** 2 for key in ("alpha", "beta") if key in kwargs}
        sizes = tree_map(lambda x: x.sqrt() if _is_floating(x) else x, _with(func, torch.square, args, squared))
        if func.overloadpacket in PRODUCTS:
            left = PRODUCTS[func.overloadpacket]
            return sizes, float(args[left].shape[-1] + left)
        return sizes, _with(func, torch.ones_like, args, kwargs)

    def _rounded(self, x, size, count, func, exact=None):
        # Forward mode and the second derivative of abs hand on zeros that have no memory, and add to them on `meta`.
        if not _is_floating(x) or x.numel() == 0 or x._is_zerotensor() or x.is_meta:
            return x
        error = torch.empty(x.shape, dtype=torch.float32).uniform_(-1, 1, generator=self.generator)
        error = error * (self.unit * count**0.5)
        error = error if exact is None else torch.where(exact, 0, error)
        if size is x:
            factor = error.to(x.dtype).add_(1)
            return x.mul_(factor) if func._schema.is_mutable else x * factor
        change = torch.where(torch.isfinite(x), error * torch.maximum(x.abs(), abs(size)), 0).to(x.dtype)
        return x.add_(change) if func._schema.is_mutable else x + change


def _with(func, change: Callable[[Tensor], Tensor], args: tuple, kwargs: dict):
    """What an operation returns for changed floating operands."""
    return func(*(change(x) if _is_floating(x) else x for x in args), **kwargs)


def _is_floating(x: object) -> bool:
    return isinstance(x, Tensor) and x.is_floating_point()


class Deviations:
    """The deviations of what `compute` returns, by name (float64 tensors), for as many samples as are asked for.

    compute must do everything anew on each call, backward pass included, and be deterministic. unit: u of the rounding.
    exact: what it returns without rounding. enough: how many samples the tensor of the fewest elements needs.
    """

    def __init__(self, compute: Callable[[], dict[Hashable, Tensor]], unit: float = UNIT["float32"]):
        self.compute, self.unit, self.drawn = compute, unit, 0
        with sdpa_kernel(SDPBackend.MATH):
            self.exact = compute()
        self._worst = dict.fromkeys(self.exact, 0.0)
        fewest = min((value.numel() for value in self.exact.values() if value.numel()), default=DRAWS)
        self.enough = max(SAMPLES, -(-DRAWS // fewest))

    def of(self, samples: int) -> dict[Hashable, float]:
        """The greatest change of each tensor over so many samples, scaled to u = 2^-24."""
        while self.drawn < samples:
            with sdpa_kernel(SDPBackend.MATH), RandomRounding(self.unit, self.drawn):
                rounded = self.compute()
            for name, value in rounded.items():
                exact = self.exact[name].double()  # truth values cannot be subtracted
                change = torch.where(torch.isfinite(exact), value.double() - exact, 0)
                worst = change.abs().max().item() if change.numel() else 0.0
                # NumPy's, since max(0.0, nan) is 0.0: a NaN must stay, so that its verdict fails.
                self._worst[name] = float(np.maximum(self._worst[name], worst))
            self.drawn += 1
        return {name: change * (UNIT["float32"] / self.unit) for name, change in self._worst.items()}


def deviations(
    compute: Callable[[], dict[Hashable, Tensor]], unit: float = UNIT["float32"], samples: int | None = None
) -> dict[Hashable, float]:
    """The deviations of what `compute` returns, see `Deviations`; samples: how many, None for enough."""
    rounded = Deviations(compute, unit)
    return rounded.of(samples or rounded.enough)


def retry_with_more_samples(
    rounded: Deviations, compared: Callable[[dict[Hashable, float]], Iterable[Verdict]]
) -> list[Verdict]:
    """The verdicts that `compared` makes of the deviations.

    Fewer samples make stricter bounds, so one is tried first, then two, four and so on: few checks need enough of them.
    """
    samples = 1
    while True:
        verdicts = list(compared(rounded.of(samples)))
        if samples == rounded.enough or all(verdict.ok for verdict in verdicts):
            return verdicts
        samples = min(2 * samples, rounded.enough)
