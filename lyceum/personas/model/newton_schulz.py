"""Newton-Schulz: a matrix made nearly orthogonal by matrix products. Both personas' rules for matrices use it.

    X_0 = M / max|M| / | M / max|M| |_F,   X_0 = 0 if M = 0
    X_k+1 = a X_k + (b A + c A^2) X_k,  A = X_k X_k^T    (a, b, c) = (3.4445, -4.7750, 2.0315);  U = X_5

U has the singular vectors of M; its singular values are near 1 where those of M were not tiny. Theorems and proofs:
`lyceum.personas.aristotle.muon`, (1) and (2). A matrix with more rows than columns is transposed first.

Only operators are used, so that the same lines run on NumPy arrays and on torch tensors (`parity.bounds.rounding`).
Sources: Jordan 2024 (Muon, the quintic); Higham 2008.
"""

from __future__ import annotations

QUINTIC, STEPS = (3.4445, -4.7750, 2.0315), 5


def newton_schulz(m, quintic=QUINTIC, steps=STEPS):
    """U of one matrix (r, c)."""
    (a, b, c), wide = quintic, m.shape[0] <= m.shape[1]
    x, greatest = m if wide else m.T, abs(m).max()
    if greatest == 0:
        return m
    x = x / greatest
    x = x / (x * x).sum() ** 0.5
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x if wide else x.T
