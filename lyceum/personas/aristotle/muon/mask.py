"""The mask of `lyceum.personas.aristotle.muon` for one matrix: the entries that both premises support.

Written with operators only, so that it takes NumPy arrays and torch tensors (for `parity.bounds.rounding`).
"""

from __future__ import annotations


def conclusion(u, g):
    """C of one matrix: the entries of u (r, c) that agree in sign with g (r, c), rescaled to the norm of u."""
    agreed = u * ((u > 0) & (g > 0) | (u < 0) & (g < 0))
    size = (agreed * agreed).sum()
    return agreed * ((u * u).sum() / size) ** 0.5 if size > 0 else agreed
