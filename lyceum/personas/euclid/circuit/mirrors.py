"""Mirrors that make a given rotation, and the planes in which it turns: constructions, nothing is fitted.

Mirrors (Cartan and Dieudonne). Every orthogonal Q of order n is a product of n - dim Fix(Q) reflections, and of no
fewer. Proof: if Q moves x, let P be the mirror with v = Q x - x, which takes Q x to x. Then P Q fixes x, and what Q
fixes, since v is at right angles to it: <Q x - x, y> = <Q x, Q y> - <x, y> = 0. So Fix grows by one dimension at least,
at most n - dim Fix(Q) times. Fewer do not suffice: what all mirrors contain, Q fixes.

Planes. A rotation R of even order is Q rot(theta) Q^T, rot turning the pair (i, i + n/2) by theta_i: the real Schur
form of an orthogonal matrix is one of blocks of order 2, turns, and of order 1, 1 or -1, an even number of each. Q is
free in two ways, of which R does not know: half a turn of any plane, and the other sense of one, where the axis
i + n/2 and theta_i change their signs.

Reach. Let Q = P_1 ... P_n with mirrors v_k. What small changes of the mirrors do to Q is, to first order, the span of
u_k ^ x for all x, with u_k = P_1 ... P_(k-1) v_k, whose span is that of the v_k. So if Q has no fixed vector the
mirrors are independent, and all n (n - 1) / 2 directions of the rotations are reached; mirrors in m equal pairs leave
(n - m) (n - m - 1) / 2 out, which for m = n/2 = 4 is 6 of 28. Hence the half turns: where a plane's trace in Q is above
0, half a turn makes it negative, and brings Q away from what it fixes.

Sources: Cartan 1938; Dieudonne 1948; Scherk 1950 (the least number); Horn & Johnson 2013, 2.5.11 (real normal form).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import schur

STILL = 1e-8  # a vector that moves by less is fixed: rounding leaves 1e-16, and a mirror of that length no direction


def reflections(q: np.ndarray) -> np.ndarray:
    """Q (n, n), orthogonal -> unit vectors v_1 .. v_k, (k, n), with Q = P_1 ... P_k and k = n - dim Fix(Q)."""
    rest, rows = np.array(q, float), np.zeros((0, len(q)))
    for _ in range(len(q)):
        moves = rest - np.eye(len(q))  # of the axes, in columns
        length = np.linalg.norm(moves, axis=0)
        if length.max() < STILL:
            break
        v = moves[:, length.argmax()] / length.max()
        rest = rest - 2 * np.outer(v, v @ rest)
        rows = np.concatenate([rows, v[None]])
    return rows


def planes(rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R (n, n), a rotation of even order -> Q (n, n) of determinant 1, and angles theta (n/2,): R = Q rot(theta) Q^T.

    ValueError if R is a reflection.
    """
    triangle, basis = schur(rotation, output="real")
    pairs, angles, alone = [], [], {1: [], -1: []}
    i = 0
    while i < len(rotation):
        if i + 1 < len(rotation) and abs(triangle[i + 1, i]) > STILL:
            pairs.append((i, i + 1))
            angles.append(np.arctan2(triangle[i + 1, i], triangle[i, i]))
            i += 2
        else:
            alone[1 if triangle[i, i] > 0 else -1].append(i)
            i += 1
    for sign, axes in alone.items():
        if len(axes) % 2:
            raise ValueError("a reflection has no planes: its determinant is -1, or its order is odd.")
        pairs += zip(axes[::2], axes[1::2], strict=True)
        angles += [0.0 if sign == 1 else np.pi] * (len(axes) // 2)
    frame, angles, half = basis[:, np.transpose(pairs).ravel()], np.array(angles), len(pairs)
    if np.linalg.det(frame) < 0:
        frame[:, half] *= -1
        angles[0] *= -1
    trace = np.diag(frame)[:half] + np.diag(frame)[half:]
    return frame * np.tile(np.where(trace > 0, -1.0, 1.0), 2), angles


def rotary(width: int, base: float) -> np.ndarray:
    """Rotary positions' turn from one position to the next (Su 2021): neighbours (2i, 2i + 1) by base^(-2i / width)."""
    turn, angle = np.zeros((width, width)), base ** (-np.arange(0, width, 2) / width)
    first, second = np.arange(0, width, 2), np.arange(1, width, 2)
    turn[first, first] = turn[second, second] = np.cos(angle)
    turn[second, first], turn[first, second] = np.sin(angle), -np.sin(angle)
    return turn
