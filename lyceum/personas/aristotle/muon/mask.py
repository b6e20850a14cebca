"""The mask of A7 (`lyceum.personas.aristotle.muon`) for one matrix: what both premises support.

Written with operators alone, so that NumPy arrays and torch tensors (for `parity.bounds.rounding`) go through the same lines.
"""

from __future__ import annotations


def conclusion(u, g):
    """C of one matrix: what of u (r, c) agrees in sign with g (r, c), at the length of u."""
    kept = u * ((u > 0) & (g > 0) | (u < 0) & (g < 0))
    size = (kept * kept).sum()
    return kept * ((u * u).sum() / size) ** 0.5 if size > 0 else kept
