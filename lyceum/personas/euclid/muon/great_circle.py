"""The direction in which the compass (`lyceum.personas.euclid.muon`) turns: perpendiculars onto the tangent plane.

Written with operators alone, so that NumPy arrays and torch tensors (for `parity.bounds.rounding`) take the same code.
"""

from __future__ import annotations

from lyceum.personas.model.newton_schulz import newton_schulz


def unit(x):
    """(x / |x|, |x|) of one matrix, (x, 0) if it is 0; no square over- or underflows."""
    greatest = abs(x).max()
    if greatest == 0:
        return x, greatest
    x = x / greatest
    size = (x * x).sum() ** 0.5
    return x / size, size * greatest


def direction(v, m, near, quintic, steps):
    """T of one matrix, orthogonal to v (of length 1) and of length 1; 0 if the foot of m / |m| is within `near`."""
    n, _ = unit(m)
    foot = perpendicular(n, v)
    if (foot * foot).sum() <= near**2:
        return 0 * m
    return unit(perpendicular(newton_schulz(foot, quintic, steps), v))[0]


def perpendicular(x, v):
    """The foot of the perpendicular from x onto the plane orthogonal to v, |v| = 1."""
    return x - (x * v).sum() * v
