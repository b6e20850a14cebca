"""What the parts of a model say of its logits: how exactly they add up, and how few of them say most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyceum.personas.lens.heat_map import Reading

FEW = 3


@dataclass(frozen=True)
class Account:
    """A text's tokens, their logits taken apart.

    parts: how many, the base rate not counted. few: the share of the FEW largest in all that parts give and take, a
    mean over the tokens; FEW / parts if all are equally large. error: the greatest distance of a sum from its logit.
    """

    parts: int
    few: float
    error: float

    def sentence(self) -> str:
        """The figures in words."""
        return (
            f"{self.parts} parts add up to each logit within {self.error:.1g}; "
            f"the {FEW} largest have {self.few:.0%} of what is given and taken."
        )


def account(reading: Reading) -> Account:
    """The account of a text, from the lens's `contributions` and `logits`."""
    given = reading.call("contributions", reading.ids, reading.targets)[0].astype(np.float64)  # (T, n + 1, L)
    error = np.abs(given.sum(1) - reading.call("logits", reading.ids, reading.targets)[0]).max()
    sizes = np.sort(np.abs(given[:, :-1].sum(-1)))
    few = (sizes[:, -FEW:].sum(-1) / sizes.sum(-1)).mean()
    return Account(sizes.shape[1], float(few), float(error))
