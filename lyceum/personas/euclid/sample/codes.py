"""The code points of continuations, from token to token, and how far each choice is from another."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyceum.rng import stream

LARGEST = 1e-3  # nats: the largest clearance after an earlier choice; larger changes would change the blur
COARSE = 2.0**-14  # the relative error of a share by rounding the weights of 2^16 tokens
Code = tuple[np.ndarray, np.ndarray, np.ndarray]  # x, W, spent: (n,) int64 each


class Codes:
    """The code points of continuations, with the methods of `lyceum.personas.model.sampling.Variates`.

    reached: the sum of all P since the last renewal. margin: a change d of the logits up to which the same codes are
    renewed. A change d <= LARGEST changes a share, and so P, by a factor of e^(2 d) at most, with every token.
    """

    def __init__(self, spec: Any, seed: int, ranks: np.ndarray):
        self.spec, self.seed, self.ranks = spec, seed, ranks
        first = int(stream(seed, "sample-first").integers(2**spec.bits))
        self.code, self.reached = spec.start(first, ranks), np.zeros(len(ranks))

    def advance(self, step: int) -> tuple[np.ndarray, ...]:
        """The arguments of `draw` for token number `step`, after the logits: x, W, (n,) each."""
        fresh = stream(self.seed, "sample", step).integers(0, 2**self.spec.bits, self.ranks.max() + 1)
        left = np.log2(self.code[1]) - self.spec.bits - self.code[2] + self.spec.shared
        fixed = (self.code[2] >= self.spec.shared) | (step == 0)
        self.margin = np.where(fixed, np.inf, np.abs(left) * np.log(2) / max(step, 1) - COARSE) / 2
        self.code = point, width, spent = self.spec.refill(self.code, fresh[self.ranks])
        renewed = spent >= self.spec.shared
        share = np.where(renewed, 1, width * 2.0 ** -(self.spec.bits + spent) * np.exp(-2 * LARGEST * step))
        self.reached = np.where(renewed, 0, self.reached) + share
        self.blur = self.reached / share
        return point, width

    def clearance(self, i: int, logits: np.ndarray) -> float:
        """How far the latest choice is from another: logits (V,) of row i -> nats."""
        return min(self.margin[i], self.spec.clearance(logits, self.code[0][i], self.code[1][i], self.blur[i]))

    def follow(self, draws: np.ndarray) -> None:
        """Takes what was drawn, (n, 6)."""
        self.code = self.spec.cut(self.code, draws)
