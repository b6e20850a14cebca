"""A verdict: one tensor of one leg held against the oracle, and everything needed to understand it without a rerun."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

AGREEMENT = 1e-10  # what the project promises of the two wings in float64, relative


@dataclass(frozen=True)
class Verdict:
    """One tensor of one leg against the oracle.

    leg: "torch float64", "definition slope", ... what: "output", "input 0" or a parameter's name, for its gradient.
    error, bound: absolute, greatest over the tensor. scale: the oracle's greatest magnitude. where: the worst index.
    expected, got: the values there. derivation: how the bound came about, in words.
    """

    case: str
    leg: str
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
        """Whether the error is within the bound; a NaN is not. A limitation is not red; it is counted by itself."""
        return bool(self.limitation) or self.error <= self.bound

    def sentence(self) -> str:
        """The failure in one sentence."""
        return (
            f"{self.case}, {self.leg}, {self.what}: at {self.where} expected {self.expected:.9g}, got {self.got:.9g}; "
            f"error {self.error:.3g}, allowed {self.bound:.3g} ({self.derivation})"
        )


def limited(case: str, leg: str, what: str, reason: str) -> Verdict:
    """The record of a comparison that a framework cannot make."""
    return Verdict(case, leg, what, np.nan, np.nan, np.nan, (), np.nan, np.nan, "", reason)


def compare(
    case: str, leg: str, what: str, got: np.ndarray, expected: np.ndarray, bound: float, derivation: str
) -> Verdict:
    """The verdict on one tensor. Equal infinities agree; a shape that differs is an error of infinity."""
    scale = float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0))
    if got.shape != expected.shape:
        derivation = f"shape {got.shape} instead of {expected.shape}"
        return Verdict(case, leg, what, np.inf, bound, scale, (), np.nan, np.nan, derivation)
    with np.errstate(invalid="ignore"):
        difference = np.where(got == expected, 0.0, np.abs(got - expected))
    difference = np.where(np.isnan(difference), np.inf, difference)
    where = tuple(int(i) for i in np.unravel_index(difference.argmax(), difference.shape)) if difference.size else ()
    value = (
        (float(difference[where]), float(expected[where]), float(got[where])) if difference.size else (0.0, 0.0, 0.0)
    )
    return Verdict(case, leg, what, value[0], bound, scale, where, value[1], value[2], derivation)
