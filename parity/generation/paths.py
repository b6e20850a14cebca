"""The tokens that a model wrote, under the oracle: was each the likeliest, and if not, could rounding have made it so?

The oracle is PyTorch in float64, given the prompt and all that was written at once. At step t it has the logits z. A
token v that is not the likeliest one, w, gives away the *gap* z_w - z_v. Two right computations may choose differently
where their roundings are larger than the gap, so its bound is the deviation of this very difference under random
rounding (`parity.bounds.rounding`). Every token is compared on the text before it, which the model wrote itself: one
that differs by rounding does not count against those that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor

from parity.bounds.envelope import decided
from parity.bounds.rounding import UNIT, Deviations, allowance, retry_with_more_samples
from parity.results.verdict import Verdict, compare, magnitude
from parity.sides.variants import Variant

Gap = tuple[str, int, int]  # ("gap", text, step)


class Path:
    """What one variant wrote. tokens: (B, n). logits: (B, n, V) that it computed at every step, None if unknown.

    oracle: tokens (B, n) -> the oracle's logits (B, n, V) before each of them, float64. It is asked anew for every
    sample of the rounding of `unit`.
    """

    def __init__(
        self, tokens: np.ndarray, logits: np.ndarray | None, oracle: Callable[[np.ndarray], Tensor], unit: float
    ):
        self.tokens, self.logits = tokens, logits
        self.truth = oracle(tokens).numpy()
        self.best = self.truth.argmax(-1)
        texts, steps = np.nonzero(self.best != tokens)
        self.others = list(zip(texts.tolist(), steps.tolist(), strict=True))

        def compute() -> dict[str | Gap, Tensor]:
            z = oracle(tokens)
            gaps = {("gap", b, t): z[b, t, self.best[b, t]] - z[b, t, tokens[b, t]] for b, t in self.others}
            return gaps | ({} if logits is None else {"logits": z})

        self.rounded = Deviations(compute, unit) if self.others or logits is not None else None
        self.allowed: dict[tuple[int, int], float] = {}

    def gap(self, text: int, step: int) -> float:
        """What the token at this step gives away."""
        z = self.truth[text, step]
        return float(z[self.best[text, step]] - z[self.tokens[text, step]])

    def verdicts(self, case: str, variant: Variant) -> list[Verdict]:
        """One for the tokens of every text, one for the logits."""
        if self.rounded is None:
            return list(self._compared(case, variant, {}))
        return retry_with_more_samples(self.rounded, lambda deviation: self._compared(case, variant, deviation))

    def _compared(self, case: str, variant: Variant, deviation: dict) -> Iterator[Verdict]:
        for b, t in self.others:
            self.allowed[b, t] = allowance(deviation["gap", b, t], variant.dtype)[0]
        for b in range(len(self.tokens)):
            yield self._text(case, variant, b)
        if self.logits is not None:
            bound, words = allowance(deviation["logits"], variant.dtype)
            verdict = compare(case, str(variant), "logits", self.logits, self.truth, bound, words)
            yield decided(verdict, magnitude(self.truth), "the logits are no larger")

    def _text(self, case: str, variant: Variant, text: int) -> Verdict:
        """The token whose gap is the greatest share of its bound."""
        what, count = f"tokens, text {text}", self.tokens.shape[1]
        steps = [t for b, t in self.others if b == text]
        if not steps:
            words = "every token is the oracle's likeliest"
            return Verdict(case, str(variant), what, 0.0, 0.0, magnitude(self.truth[text]), (), 0.0, 0.0, words)
        t = max(steps, key=lambda t: _share(self.gap(text, t), self.allowed[text, t]))
        z, token, best = self.truth[text, t], self.tokens[text, t], self.best[text, t]
        words = f"step {t} of {count}: token {token}, not {best}; 8 x the deviation of the two logits' difference"
        words += f" under random rounding at u = {UNIT[variant.dtype]:.2g}"
        values = (float(z[best]), float(z[token]))
        error, bound = self.gap(text, t), self.allowed[text, t]
        verdict = Verdict(case, str(variant), what, error, bound, magnitude(z), (text, t), *values, words)
        return decided(verdict, float(z[best] - np.median(z)), f"half of the tokens at step {t} are within it")


def _share(error: float, bound: float) -> float:
    return error / bound if bound else (np.inf if error else 0.0)
