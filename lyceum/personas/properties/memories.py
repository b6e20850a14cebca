"""The theorems that every memory obeys: a proper distribution, one figure by two ways, nothing from the future."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lyceum.personas.memory.evidence import Evidence
from lyceum.personas.memory.mixture import Mixture
from lyceum.personas.spec.case import Theorem

# A gate, a text, ids (B, T), the model's log probabilities (B, T, V) and its uncertainty (B, T, 3).
Batch = tuple[Mixture, Evidence, np.ndarray, np.ndarray, np.ndarray]


def theorems(layer: str, batch: Callable[[np.random.Generator], Batch]) -> tuple[Theorem, ...]:
    """The theorems for a memory; `batch` draws a tiny one with its inputs."""

    def all_ids(evaluate, g, drawn: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One position of each row, the rows, and log p of all ids there."""
        spec, text, ids, log_probs, uncertainty = drawn
        positions, rows = g.integers(0, ids.shape[1], size=len(ids)), np.arange(len(ids))
        evidence = (x.astype(np.float64) for x in text.for_all_ids(ids, positions))
        model = log_probs[rows, positions], uncertainty[rows, positions]
        return positions, rows, evaluate(spec, {}, "log_probs", *model, *evidence)

    def total(evaluate, g):
        _, rows, log_probs = all_ids(evaluate, g, batch(g))
        return np.exp(log_probs).sum(-1), np.ones(len(rows))

    def path(evaluate, g):
        spec, text, ids, log_probs, uncertainty = drawn = batch(g)
        targets = g.integers(0, log_probs.shape[-1], size=ids.shape).astype(np.int32)
        chosen = np.take_along_axis(log_probs, targets[..., None], -1)[..., 0]
        evidence = (x.astype(np.float64) for x in text.for_targets(ids, targets))
        single = evaluate(spec, {}, "log_prob", chosen, uncertainty, *evidence)
        positions, rows, table = all_ids(evaluate, g, drawn)
        return single[rows, positions], table[rows, targets[rows, positions]]

    def causality(evaluate, g):
        spec, text, ids, log_probs, uncertainty = batch(g)
        targets, other = g.integers(0, log_probs.shape[-1], size=(2, *ids.shape)).astype(np.int32)
        changed, t = ids.copy(), int(g.integers(1, ids.shape[1]))
        changed[:, t:] = other[:, t:]
        other[:, :t] = targets[:, :t]
        sides = []
        for pair in ((ids, targets), (changed, other)):
            evidence = (x.astype(np.float64) for x in text.for_targets(*pair))
            sides.append(evaluate(spec, {}, "log_prob", log_probs[..., 0], uncertainty, *evidence)[:, :t])
        return tuple(sides)

    return (
        Theorem(f"{layer}: total", "the probabilities of all V ids sum to 1", total, length=256),
        Theorem(f"{layer}: path", "a target's probability is its entry in the full distribution", path, length=64),
        Theorem(f"{layer}: causality", "what comes later changes nothing before it", causality, length=0, exact=True),
    )
