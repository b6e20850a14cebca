"""The two lines of A7 (`personas.aristotle.muon`) for one matrix: the major premise made orthogonal, the conclusion.

Written with operators alone, so that NumPy arrays and torch tensors (for `parity.rounding`) go through the same lines.
"""

from __future__ import annotations

QUINTIC, STEPS = (3.4445, -4.7750, 2.0315), 5


def newton_schulz(m):
    """U of one matrix (r, c)."""
    (a, b, c), wide = QUINTIC, m.shape[0] <= m.shape[1]
    x, greatest = m if wide else m.T, abs(m).max()
    if greatest == 0:
        return m
    x = x / greatest
    x = x / (x * x).sum() ** 0.5
    for _ in range(STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x if wide else x.T


def conclusion(u, g):
    """C of one matrix: what of u (r, c) agrees in sign with g (r, c), at the length of u."""
    kept = u * ((u > 0) & (g > 0) | (u < 0) & (g < 0))
    size = (kept * kept).sum()
    return kept * ((u * u).sum() / size) ** 0.5 if size > 0 else kept
