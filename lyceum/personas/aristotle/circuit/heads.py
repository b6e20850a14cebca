"""The two heads as matrices: which rows of a mixer read what, and where they write it.

Both stand in the planes that rotary positions give a head (`lyceum.personas.aristotle.rope`): some planes turn with the
token's position, at frequencies f, the others stay as they are, as long as no sentence ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Stream:
    """Where the residual stream holds what the heads read and write: indices of channels.

    constant (d,): a direction along which every position has 1. letter (m,): the code of a position's letter, by which
    letters are compared. previous (m,): the code of the letter before, in the same order. copied (v,): what the second
    head copies of a letter. answer (v,): where it is copied to, in the same order.
    """

    constant: np.ndarray
    letter: np.ndarray
    previous: np.ndarray
    copied: np.ndarray
    answer: np.ndarray


class Head(NamedTuple):
    """query, key, value (w, d): rows of the projections. out (d, w): columns of the output projection."""

    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    out: np.ndarray

    @staticmethod
    def copies(width: int, d: int, source: np.ndarray, target: np.ndarray, gain: float) -> Head:
        """A head of `width` that attends to all alike and adds `gain` times channels `source` to channels `target`."""
        query, key, value = np.zeros((3, width, d))
        out, i = np.zeros((d, width)), np.arange(len(source))
        value[i, source], out[target, i] = 1, gain
        return Head(query, key, value, out)

    def into(self, p: dict[str, np.ndarray], head: int) -> dict[str, np.ndarray]:
        """A mixer's parameters in which head number `head` is this one."""
        width, d = self.query.shape
        qkv, out = p["qkv.weight"].copy(), p["out.weight"].copy()
        qkv.reshape(3, -1, width, d)[:, head] = self.query, self.key, self.value
        out.reshape(d, -1, width)[:, head] = self.out
        return p | {"qkv.weight": qkv, "out.weight": out}


def previous_token(stream: Stream, frequencies: np.ndarray, sharpness: float, gain: float = 1.0) -> Head:
    """The head that attends to the position before and writes its letter. frequencies (2, w/2): of the position module.

    In every plane that turns, key and query are one constant vector, the query turned back by one position: at offset
    t - u the score is sharpness * sum_f cos(f (t - u - 1)), which is greatest at u = t - 1.
    """
    half, d = frequencies.shape[1], len(stream.constant)
    head, turning = Head.copies(2 * half, d, stream.letter, stream.previous, gain), np.flatnonzero(frequencies[0])
    scale, angle = np.sqrt(sharpness * np.sqrt(2 * half)), frequencies[0, turning].astype(np.float64)
    head.key[turning] = scale * stream.constant
    head.query[turning] = scale * np.outer(np.cos(angle), stream.constant)
    head.query[turning + half] = -scale * np.outer(np.sin(angle), stream.constant)
    return head


def induction(stream: Stream, frequencies: np.ndarray, sharpness: float, minus: float = 0.0, gain: float = 1.0) -> Head:
    """The head that attends to the position after the same letter and writes the letter there.

    In the planes that stay, the query is the letter at t, the key the letter before u less `minus` times that at u: the
    score is sharpness * (<letter at t, letter before u> - minus * <letter at t, letter at u>).
    """
    half, d = frequencies.shape[1], len(stream.constant)
    head, still = Head.copies(2 * half, d, stream.copied, stream.answer, gain), np.flatnonzero(frequencies[0] == 0)
    scale, rows = np.sqrt(sharpness * np.sqrt(2 * half)), np.concatenate([still, still + half])
    head.query[rows, stream.letter] = scale
    head.key[rows, stream.previous] = scale
    head.key[rows, stream.letter] = -minus * scale
    return head
