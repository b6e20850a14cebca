"""Where the compass (`lyceum.personas.euclid.muon`) turns to: perpendiculars onto the tangent plane of one matrix.

Written with operators alone, so that NumPy arrays and torch tensors (for `parity.bounds.rounding`) go through the same lines.
"""

from __future__ import annotations

from lyceum.personas.model.newton_schulz import newton_schulz

NEAR = 1e-6  # of the momentum: a foot so close is rounding, and has no direction


def unit(x):
    """(x / |x|, |x|) of one matrix, (x, 0) if it is 0; no square over- or underflows."""
    greatest = abs(x).max()
    if greatest == 0:
        return x, greatest
    x = x / greatest
    size = (x * x).sum() ** 0.5
    return x / size, size * greatest


def direction(v, m):
    """T of one matrix, orthogonal to v (of length 1) and of length 1; 0 if m is parallel to v."""
    n, _ = unit(m)
    foot = perpendicular(n, v)
    if (foot * foot).sum() <= NEAR**2:
        return 0 * m
    return unit(perpendicular(newton_schulz(foot), v))[0]


def perpendicular(x, v):
    """The foot in the plane orthogonal to v, |v| = 1, of the perpendicular from x."""
    return x - (x * v).sum() * v
