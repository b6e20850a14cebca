"""The two heads as initial values of a model that is to be trained.

The model has no letters with codes, and no constant, so the initialisation makes them. Of the d channels of the stream
it gives away some at the start, from the end: two to a constant, w to the answer, m to the letter before, for heads of
width w of which m channels stay (w/2). There the embedding is cleared. A token's own letter is its first channels,
random as they are.

Why a constant. A head's score is bilinear in what it reads. Embeddings of mean zero that are drawn apart give it mean
zero at every offset, for all weights: no head of the first block can find the position before. So all tokens get one
vector in common, in the table of genera, of which every token has exactly one.

The vocabulary's head reads the answer as it reads the tree: the rows of its tables start as those of the embedding, at
the channels that were copied. So a token's logit begins with READ * <its embedding, the embedding copied>.

Scales. After a norm the stream has a mean square of 1. In units of the embedding's deviation the mean square before it
is that of what is there: free channels 1, the constant LOUD^2 in all, the letter before WRITTEN^2 each, the answer 1.
LOUD holds the lengths of different tokens together, which the norm divides by; else long ones attract the first head.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lyceum.personas.aristotle.circuit.heads import Stream, induction, previous_token
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.names import below
from lyceum.personas.spec.skeleton import Skeleton

SHARPNESS = 40.0  # of both heads
LOUD, WRITTEN, READ = 8.0, 3.0, 0.1

Arrays = dict[str, np.ndarray]


def channels(d: int, width: int) -> Stream:
    """The channels of a stream of width d with heads of `width`. Raises PersonaError if they are not enough."""
    half, constant = width // 2, np.zeros(d)
    constant[-2:] = np.array([1, -1]) / np.sqrt(2)  # of mean zero, since a norm may subtract the mean
    if 2 * width + half + 2 > d:
        raise PersonaError(f"'circuit' needs {2 * width + half + 2} channels, the model has {d}: take more heads.")
    answer = np.arange(d - 2 - width, d - 2)
    return Stream(constant, np.arange(half), answer[0] - half + np.arange(half), np.arange(width), answer)


def embedded(tables: Arrays, stream: Stream, constant: float) -> Arrays:
    """The tables of the embedding: cleared where the circuit writes, the genera with the constant."""
    cleared = {}
    for name, table in tables.items():
        cleared[name] = table.copy()
        cleared[name][:, stream.previous[0] :] = 0
    cleared["vocabulary.embed_genus"] += constant * stream.constant
    return cleared


def read(values: Arrays, tables: Arrays, stream: Stream, gain: float) -> Arrays:
    """The tables of the head: at the answer's channels `gain` times what the embedding has at those that are copied."""
    heads = {}
    for name, table in tables.items():
        head = name.replace("embed_", "head_")
        if head in values:
            heads[head] = values[head].copy()
            heads[head][:, stream.answer] = gain * table[:, stream.copied]
    return heads


@dataclass(frozen=True)
class WrittenHeads:
    """Head 0 of the first active block attends to the position before, that of the second is the induction head."""

    def __call__(self, skeleton: Skeleton, values: Arrays) -> Arrays:
        """The drawn initial values -> all initial values, float32.

        Raises PersonaError if fewer than two blocks are active from the start, or the model is too narrow.
        """
        if len(skeleton.active) < 2:
            raise PersonaError("'circuit' needs two blocks from the start, there is one: switch 'grow' off.")
        first, second = (block.mixer for block in skeleton.active[:2])
        frequencies = skeleton.position.spec.frequencies
        half = frequencies.shape[1]
        stream = channels(first.spec.n_embd, 2 * half)
        tables = {name: x.astype(np.float64) for name, x in values.items() if name.startswith("vocabulary.embed_")}
        unit = np.sqrt(sum((table**2).mean() for table in tables.values()))
        # Root mean squares of the stream before the first block, the second and the head, in that unit.
        added = np.cumsum([stream.previous[0] + LOUD**2, half * WRITTEN**2, 2 * half])
        one, two, three = np.sqrt(added / first.spec.n_embd)
        normed = replace(stream, constant=one / LOUD * stream.constant)
        previous = previous_token(normed, frequencies, SHARPNESS, WRITTEN * unit * one)
        after = induction(normed, frequencies, SHARPNESS * two**2 / (half * WRITTEN), gain=unit * two)
        changed = embedded(tables, stream, LOUD * unit) | read(values, tables, stream, READ * three / unit)
        for mixer, head in ((first, previous), (second, after)):
            changed |= {f"{mixer.name}.{name}": x for name, x in head.into(below(values, mixer.name), 0).items()}
        return values | {name: np.asarray(x, np.float32) for name, x in changed.items()}
