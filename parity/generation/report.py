"""What `parity.check_generation` returns: the verdicts, the tokens, and where the two texts first differ."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from parity.results.findings import Findings


@dataclass(frozen=True)
class Difference:
    """The first token in which the two frameworks differ. text, step: where, from 0; step counts new tokens.

    torch, mlx: the tokens. margin: how far apart their logits are in the oracle. allowed: how far rounding may move
    their difference. explained: whether each framework's token is within its bound.
    """

    dtype: str
    text: int
    step: int
    torch: int
    mlx: int
    margin: float
    allowed: float
    explained: bool

    def sentence(self) -> str:
        """In one sentence."""
        where = f"{self.dtype}: text {self.text} first differs at step {self.step}"
        tokens = f"PyTorch writes token {self.torch}, MLX {self.mlx}"
        if self.margin == 0:
            return f"{where}: {tokens}; their logits are equal, and both are right."
        why = "rounding explains it" if self.explained else "rounding does not explain it"
        margin = f"their logits are {self.margin:.3g} apart in float64"
        return f"{where}: {tokens}; {margin}, and rounding may move that by {self.allowed:.2g}: {why}."


@dataclass(frozen=True)
class Generation(Findings):
    """tokens: by variant, (B, n). differences: the first of every text and precision; none where all tokens agree."""

    tokens: dict[str, np.ndarray] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        """The table, then a sentence for every text that differs."""
        lines = [difference.sentence() for difference in self.differences]
        count = next(iter(self.tokens.values())).shape[1]
        return super().__str__() + "\n".join(lines or [f"The same {count} tokens in both frameworks."]) + "\n"
