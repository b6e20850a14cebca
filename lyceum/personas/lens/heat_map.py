"""What passes between a persona's lens and the page: a text that was read, and heat maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Reading:
    """A text, and the model that reads it.

    ids, targets (1, T) int32: the tokens, and the token after each. read, expected (T,): both as text. at: the position
    that is looked at closely. call: (method of the lens, *arrays) -> array, computed by the run's backend. shown: ids
    (N,) -> each as text, as in `read`.
    """

    ids: np.ndarray
    targets: np.ndarray
    read: tuple[str, ...]
    expected: tuple[str, ...]
    at: int
    call: Callable[..., Any] = field(repr=False)
    shown: Callable[[np.ndarray], tuple[str, ...]] = field(default=lambda ids: tuple(map(str, ids)), repr=False)


@dataclass(frozen=True, eq=False)
class HeatMap:
    """values (rows, columns): NaN where there is none. unit: of the numbers. signed: whether 0 lies in the middle.

    note: what the map says, in sentences. tokens: whether the columns are tokens of the text. full: the magnitude that
    has the full colour; 0 for the greatest.
    """

    title: str
    note: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    unit: str = "nats"
    signed: bool = True
    tokens: bool = False
    full: float = 0.0

    def __post_init__(self):
        if self.values.shape != (len(self.rows), len(self.columns)):
            raise ValueError(f"{self.title}: {self.values.shape} values for {len(self.rows)} x {len(self.columns)}")

    @property
    def full_colour(self) -> float:
        """The magnitude that has the full colour."""
        return self.full or float(np.nanmax(np.abs(self.values), initial=0.0)) or 1.0

    def colours(self) -> np.ndarray:
        """How much colour each value has, from -1 to 1: the root of its share, so that a tenth can still be seen."""
        return np.sign(self.values) * np.sqrt(np.minimum(np.abs(self.values) / self.full_colour, 1))
