"""The regular simplex, constructed: E points of the unit sphere at equal distances from each other.

Construction. On n = E - 1 perpendicular axes mark off the same length: the ends have equal distances. On the line
through the origin and their centre, beyond the origin, one point is as far from each end as the ends are from each
other: the apex. Move the centre of all to the origin, and let the sphere through them have radius 1. So, for i = 1..n,

    v_0 = -apex (1, ..., 1),     v_i = side e_i + rest (1, ..., 1),
    apex = n^(-1/2),  side = (1 + 1/n)^(1/2),  rest = (apex - side) / n

in the first n coordinates of R^d, d >= n, the others being 0. Then |v_0| = 1 and v_0.v_i = -apex (side + n rest)
= -apex^2 = -1/n; and 2 side rest + n rest^2 = rest (side + apex) = (apex^2 - side^2) / n = -1/n, so that v_i.v_j = -1/n
and |v_i|^2 = side^2 - 1/n = 1. No more than d + 1 points of R^d have equal distances.

The backends form the vertices from these three lengths in their own precision, so no vertex is rounded twice.
"""

from __future__ import annotations

import numpy as np


def lengths(n_vertex: int) -> tuple[float, float, float]:
    """(apex, side, rest) of the simplex of n_vertex >= 2 vertices."""
    n = n_vertex - 1
    apex, side = n**-0.5, (1 + 1 / n) ** 0.5
    return apex, side, (apex - side) / n


def simplex(n_vertex: int, d: int) -> np.ndarray:
    """(n_vertex, d) float64: the vertices as they are constructed, not by the formula above."""
    n = n_vertex - 1
    ends = np.eye(n)
    apex = (1 - np.sqrt(1 + n)) / n  # |apex (1, ..., 1) - e_i|^2 = 2
    corners = np.concatenate([np.full((1, n), apex), ends])
    corners -= corners.mean(0)
    return np.pad(corners / np.linalg.norm(corners, axis=1, keepdims=True), ((0, 0), (0, d - n)))


def motion(vertices: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(E, d), a permutation (E,) -> the orthogonal (d, d) that carries v_e to v_order(e) and fixes normals."""
    share = (len(vertices) - 1) / len(vertices)  # (share V^T V) is the projection onto the span of the vertices
    return np.eye(vertices.shape[1]) + share * (vertices[order] - vertices).T @ vertices
