"""The arithmetic of a repair on stacks of rows: how far each is from its average, how that follows, how rows return.

    distance   |w_i - a_i| of each row i                       length   |a_i|
    average    a <- a + rate (w - a)                           every `period` iterations
    restored   w_i <- a_i for hurt rows, then the matrix is projected by the persona's `project`

A parameter of any shape is rows along its last axis; a vector is one row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Repair:
    """every: iterations between two examinations. period: those between two steps of the average, a multiple of it.

    rate: the average's step. A persona adds project(p, w, a), both (n, r, c): matrices whose rows have returned; or it
    has another restore.
    """

    every: int = 2
    period: int = 8
    rate: float = 0.5

    def initial(self, stream: np.random.Generator, n_layer: int) -> Arrays:
        """Nothing is trained by gradients."""
        return {}

    def distance(self, p: Arrays, w: np.ndarray, a: np.ndarray) -> np.ndarray:
        """w, a (..., c) -> the distance of each row, (...)."""
        return np.sqrt(((w - a) ** 2).sum(-1))

    def length(self, p: Arrays, a: np.ndarray) -> np.ndarray:
        """a (..., c) -> the length of each row, (...)."""
        return np.sqrt((a**2).sum(-1))

    def follow(self, p: Arrays, a: np.ndarray, w: np.ndarray) -> np.ndarray:
        """The average a after it has followed w, both of any shape."""
        return a + self.rate * (w - a)

    def restore(self, p: Arrays, w: np.ndarray, a: np.ndarray, hurt: np.ndarray) -> np.ndarray:
        """w, a (n, r, c), hurt (n, r) integers -> the matrices with a's rows where hurt is not 0, projected."""
        return self.project(p, np.where(hurt[..., None] != 0, a, w), a)
