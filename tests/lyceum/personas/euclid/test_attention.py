"""E3: the rounding of scores, and how much the translation to the first key reduces it."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum.personas.euclid.attention import CircleAttention
from lyceum.personas.spec.case import Case
from lyceum.rng import stream
from parity.project.layers import evaluator

SPEC, LENGTH = CircleAttention(8, 1), 8
UNIT = 2.0**-24


def drawn(away: float) -> tuple[np.ndarray, ...]:
    """q and k about a centre that is `away` from the origin; v are unit vectors, so that outputs are weights."""
    g = stream(0, "circle")
    centre = g.normal(size=8)
    centre *= away / np.linalg.norm(centre)
    q, k = (centre + g.normal(size=(2, 100, 1, LENGTH, 8))).astype(np.float32).astype(np.float64)
    return q, k, np.broadcast_to(np.eye(8), q.shape)


@pytest.mark.parametrize("backend", ("torch", "mlx"))
@pytest.mark.parametrize("away", (0.0, 10.0, 1000.0))
def test_scores_are_off_by_no_more_than_the_bound(backend, away):
    """Log weights are scores less a constant of the row, so their differences are compared."""
    q, k, v = drawn(away)
    p = Case("", SPEC, None).parameters(stream(1, "circle"))
    weights, scores = evaluator(backend, "float32")(SPEC, p, "attended", q, k, v), SPEC.scores(p, q, k)
    later = ~np.tri(LENGTH, dtype=bool)
    with np.errstate(divide="ignore"):
        off = np.where(later, 0, np.log(weights) - np.log(weights[..., :1]) - scores + scores[..., :1])
    reach = max(np.linalg.norm(x - k[:, :, :1], axis=-1).max() for x in (q, k))
    bound = 3 * (8 + 6) * UNIT * np.exp(p["log_beta"][0]) * reach**2
    # Two scores are compared, and each weight has the rounding of a softmax.
    assert np.abs(off).max() <= 2 * bound + 16 * UNIT


def test_the_translation_reduces_rounding():
    """At a distance of 100 the error without the translation is a hundred times as large."""
    q, k, _ = (x.astype(np.float32) for x in drawn(100.0))
    exact = SPEC.scores({"log_beta": np.zeros(1)}, *drawn(100.0)[:2])

    def off(q: np.ndarray, k: np.ndarray) -> float:
        scores = 2 * q @ k.swapaxes(2, 3) - (k**2).sum(-1)[:, :, None]
        error = scores - scores[..., :1] - (exact - exact[..., :1])
        return np.abs(error).max()

    assert off(q, k) > 100 * off(q - k[:, :, :1], k - k[:, :, :1])
