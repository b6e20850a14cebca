"""How far apart do runs end that start one unit in the last digit apart? The yardstick where rounding is not seen.

Random rounding (`parity.bounds.rounding`) needs PyTorch, and one computation. A training run is many, each of which may
multiply differences; MLX cannot be rounded at random. Both are measured by *controls*: the same computation, from a
start whose numbers are moved by one ulp, up or down at random. That is as much as one rounding of each, and all later
roundings fall anew. With d_k the distance of control k from the unmoved one,

    bound = MARGIN max_k d_k          for a run of steps    envelope(t) = MARGIN (rho + max_k max_{s <= t} d_k(s)),

rho the deviation of the first loss under random rounding. The running maximum is taken because a control may cross the
run by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

import numpy as np
import torch

from parity.bounds.rounding import DRAWS, MARGIN, SAMPLES, UNIT
from parity.results.verdict import AGREEMENT, Verdict, compare, limited

Arrays = dict[Hashable, np.ndarray]

CONTROLS = 3  # of a run of the project's


def one_ulp(values: np.ndarray, dtype: str, generator: np.random.Generator) -> np.ndarray:
    """Every number moved by one ulp of `dtype`, up or down at random, as float64 (of the same shape)."""
    towards = np.where(generator.random(values.shape) < 0.5, -np.inf, np.inf)
    if dtype == "bfloat16":  # NumPy has none
        start, ends = (torch.tensor(x).bfloat16() for x in (values, towards))
        return torch.nextafter(start, ends).double().numpy()
    # Of an array without axes NumPy makes a number.
    return np.asarray(np.nextafter(values.astype(dtype), towards.astype(dtype)), np.float64)


def allowed_distance(reference: np.ndarray, controls: Iterable[np.ndarray], rho: float) -> np.ndarray:
    """envelope(t) around the losses `reference` (steps,), of controls of the same shape; see the module."""
    distance = np.maximum.accumulate(np.max([np.abs(control - reference) for control in controls], axis=0))
    return MARGIN * (rho + distance)


def worst_step(
    case: str,
    variant: str,
    got: np.ndarray,
    expected: np.ndarray,
    allowed: np.ndarray,
    first: int = 0,
    more: str = "",
    controls: int = CONTROLS,
) -> Verdict:
    """The verdict at the step where the loss comes nearest to its bound, or furthest beyond. more: ends its words."""
    distance = np.abs(got - expected)
    t = int(np.argmax(np.where(np.isnan(distance), np.inf, distance) / allowed))
    derivation = f"step {first + t}: {MARGIN:g} x (rounding of a loss + furthest of {controls} one-ulp controls so far)"
    return compare(case, variant, f"loss, {len(got)} steps", got[t], expected[t], float(allowed[t]), derivation + more)


def narrow(case: str, dtype: str, reference: np.ndarray, allowed: np.ndarray) -> Verdict:
    """The float64 envelope itself, as an error that may not exceed AGREEMENT of the loss, at its widest."""
    scale = np.abs(reference)
    scale = np.where(scale > 0, scale, scale.max())
    t = int(np.argmax(allowed / scale))
    words = f"{AGREEMENT:g} of it; {allowed[0] / scale[0]:.1g} at step 0, {allowed[t] / scale[t]:.1g} at step {t}"
    limit = AGREEMENT * float(scale[t])
    return compare(case, f"bound {dtype}", "envelope / loss", allowed[t], np.array(0.0), limit, words)


def decided(verdict: Verdict, least: float, words: str) -> Verdict:
    """The verdict; but if it passed by a bound that would excuse an error of `least`, a limitation, for the reason."""
    if verdict.limitation or not verdict.ok or not 0 < verdict.bound >= least:
        return verdict
    reason = f"not decided: an error of {verdict.bound:.2g} is allowed in this precision, and {words}"
    return limited(verdict.case, verdict.variant, verdict.what, reason)


class Controls:
    """The deviations of what `compute` returns, like `parity.bounds.rounding.Deviations`, measured by controls.

    compute: a number k -> the arrays of control k by name; None: those of the unmoved start. dtype: in which precision
    it computes. enough: how many controls the array of the fewest elements needs.
    """

    def __init__(self, compute: Callable[[int | None], Arrays], dtype: str):
        self.compute, self.unit, self.drawn = compute, UNIT[dtype], 0
        self.unmoved = compute(None)
        self._worst = dict.fromkeys(self.unmoved, 0.0)
        fewest = min((value.size for value in self.unmoved.values() if value.size), default=DRAWS)
        self.enough = max(SAMPLES, -(-DRAWS // fewest))

    def of(self, samples: int) -> dict[Hashable, float]:
        """The greatest change of each array over so many controls, scaled to u = 2^-24."""
        while self.drawn < samples:
            for name, value in self.compute(self.drawn).items():
                with np.errstate(invalid="ignore"):
                    change = np.where(value == self.unmoved[name], 0.0, np.abs(value - self.unmoved[name]))
                self._worst[name] = float(np.maximum(self._worst[name], change.max(initial=0.0)))
            self.drawn += 1
        return {name: change * (UNIT["float32"] / self.unit) for name, change in self._worst.items()}
