"""A verdict: one tensor of one variant compared with the oracle, and all that it takes to understand a failure."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

AGREEMENT = 1e-10  # the greatest relative error that the project allows the two backends in float64


@dataclass(frozen=True)
class Verdict:
    """One tensor of one variant against the oracle.

    variant: "torch float64", "reference slope", ... what: "output", "input 0" or a parameter's name, for its gradient.
    error, bound: absolute, greatest over the tensor. scale: the oracle's greatest magnitude. where: the worst index.
    expected, got: the values there. derivation: how the bound came about, in words.
    """

    case: str
    variant: str
    what: str
    error: float
    bound: float
    scale: float
    where: tuple[int, ...]
    expected: float
    got: float
    derivation: str
    limitation: str = ""

    @property
    def ok(self) -> bool:
        """Whether the error is within the bound; a NaN is not. A limitation is no failure, and is counted apart."""
        return bool(self.limitation) or self.error <= self.bound

    def sentence(self) -> str:
        """The failure in one sentence."""
        return (
            f"{self.case}, {self.variant}, {self.what}: at {self.where} expected {self.expected:.9g}, "
            f"got {self.got:.9g}; error {self.error:.3g}, allowed {self.bound:.3g} ({self.derivation})"
        )

    def record(self) -> dict:
        """For a line of JSON."""
        return {"record": "verdict", "ok": self.ok} | asdict(self)


def limited(case: str, variant: str, what: str, reason: str) -> Verdict:
    """The verdict on a comparison that a framework cannot make."""
    return Verdict(case, variant, what, np.nan, np.nan, np.nan, (), np.nan, np.nan, "", reason)


def compare(
    case: str, variant: str, what: str, got: np.ndarray, expected: np.ndarray, bound: float, derivation: str
) -> Verdict:
    """The verdict on one tensor. Equal infinities agree; a shape that differs is an error of infinity."""
    got, expected = (x if x.dtype.kind == "f" else x.astype(np.float64) for x in (got, expected))
    scale = magnitude(expected)
    if got.shape != expected.shape:
        derivation = f"shape {got.shape} instead of {expected.shape}"
        return Verdict(case, variant, what, np.inf, bound, scale, (), np.nan, np.nan, derivation)
    if not got.size:
        return Verdict(case, variant, what, 0.0, bound, scale, (), 0.0, 0.0, derivation)
    with np.errstate(invalid="ignore"):
        difference = np.abs(np.subtract(got, expected))
        if not np.isfinite(difference.max()):
            difference = np.where(got == expected, 0.0, np.where(np.isnan(difference), np.inf, difference))
    where = tuple(int(i) for i in np.unravel_index(difference.argmax(), difference.shape))
    error, values = float(difference[where]), (float(expected[where]), float(got[where]))
    return Verdict(case, variant, what, error, bound, scale, where, *values, derivation)


def magnitude(x: np.ndarray) -> float:
    """The greatest finite magnitude, 0 if there is none."""
    if not x.size:
        return 0.0
    least, greatest = x.min(), x.max()
    if np.isfinite(least) and np.isfinite(greatest):
        return float(max(-least, greatest))
    return float(np.abs(x[np.isfinite(x)]).max(initial=0.0))
