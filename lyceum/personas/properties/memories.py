"""The theorems that every memory owes: a proper distribution, one figure by two ways, nothing from the future."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lyceum.personas.memory.evidence import Evidence
from lyceum.personas.memory.mixture import Mixture
from lyceum.personas.spec.case import Theorem

# A gate, a text, ids (B, T), the model's log probabilities (B, T, V) and its uncertainty (B, T, 3).
Batch = tuple[Mixture, Evidence, np.ndarray, np.ndarray, np.ndarray]


def theorems(layer: str, batch: Callable[[np.random.Generator], Batch]) -> tuple[Theorem, ...]:
    """The theorems for a memory of which `batch` draws small ones."""

    def whole(evaluate, g, drawn: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One place of each row, the rows, and log p of all ids there."""
        spec, text, ids, own, uncertainty = drawn
        places, rows = g.integers(0, ids.shape[1], size=len(ids)), np.arange(len(ids))
        found = (x.astype(np.float64) for x in text.for_all_ids(ids, places))
        return places, rows, evaluate(spec, {}, "log_probs", own[rows, places], uncertainty[rows, places], *found)

    def total(evaluate, g):
        _, rows, log_probs = whole(evaluate, g, batch(g))
        return np.exp(log_probs).sum(-1), np.ones(len(rows))

    def path(evaluate, g):
        spec, text, ids, own, uncertainty = drawn = batch(g)
        targets = g.integers(0, own.shape[-1], size=ids.shape).astype(np.int32)
        chosen = np.take_along_axis(own, targets[..., None], -1)[..., 0]
        found = (x.astype(np.float64) for x in text.for_targets(ids, targets))
        single = evaluate(spec, {}, "log_prob", chosen, uncertainty, *found)
        places, rows, log_probs = whole(evaluate, g, drawn)
        return single[rows, places], log_probs[rows, targets[rows, places]]

    def causality(evaluate, g):
        spec, text, ids, own, uncertainty = batch(g)
        targets, other = g.integers(0, own.shape[-1], size=(2, *ids.shape)).astype(np.int32)
        changed, place = ids.copy(), int(g.integers(1, ids.shape[1]))
        changed[:, place:] = other[:, place:]
        other[:, :place] = targets[:, :place]
        sides = []
        for pair in ((ids, targets), (changed, other)):
            found = (x.astype(np.float64) for x in text.for_targets(*pair))
            sides.append(evaluate(spec, {}, "log_prob", own[..., 0], uncertainty, *found)[:, :place])
        return tuple(sides)

    return (
        Theorem(f"{layer}: total", "the probabilities of all V ids sum to 1", total, length=256),
        Theorem(f"{layer}: path", "a target has its probability in the whole distribution", path, length=64),
        Theorem(f"{layer}: causality", "what comes later changes nothing before it", causality, length=0, exact=True),
    )
