"""A7, premises and conclusion: the optimizer of the hidden matrices.

Idea. The major premise is what has held so far, the momentum M; the minor premise is what is seen now, the gradient G.
The conclusion keeps only what both support. M is first made orthogonal (Muon): a gradient's few great singular values
say how often a direction was asked for, not how far to go in it.

Equations, for a matrix W (r, c) of a block; embeddings, head and vectors follow AdamW (`personas.descent`):
    M <- mu M + (1 - mu) G                               no bias correction: what follows does not see M's length
    X_0 = M / max|M| / | M / max|M| |_F,   X_0 = 0 if M = 0
    X_k+1 = a X_k + (b A + c A^2) X_k,  A = X_k X_k^T    (a, b, c) = (3.4445, -4.7750, 2.0315);  U = X_5
    C = K |U|_F / |K|_F,  K = U * [sign U = sign G /= 0],  C = 0 if K = 0
    W <- (1 - eta delta) W - 0.2 sqrt(max(r, c)) eta C,  eta = rate * the schedule's learning rate
An orthogonal U has entries of mean square 1 / max(r, c), and Adam's steps are about 0.2 in size, so with that factor
one learning rate and one decay suit both. A matrix with more rows than columns is iterated on as its transpose.

Theorems.
(1) Singular vectors. U = P phi^5(S) Q^T for X_0 = P S Q^T, phi(s) = a s + b s^3 + c s^5: by induction, since A X and
    A^2 X have the singular vectors of X and the singular values s^3 and s^5.
(2) Singular values. s >= 1.6e-3 goes to [0.68, 1.21], a smaller one to [0, 1.21]: phi maps [0, 1.21] into itself (its
    greatest value there is 1.203) and [0.68, 1.21] into [0.68, 1.14]; phi(s) >= 2.6 s on [0, 0.42], so five steps
    lift 1.6e-3 over 0.68 (checked on a grid: from 1.51e-3 on). Near 0 it multiplies s by a^5 = 485.
(3) Agreement. C * G >= 0 in every entry, hence <C, G> >= 0: to first order no step raises the batch's loss.
(4) Length. |C|_F = |U|_F <= 1.21 sqrt(min(r, c)) unless C = 0, which is so if U and G agree nowhere.
(5) Scale. A positive factor on M and G alike changes neither U nor C, bit for bit if it is a power of two: M is first
    divided by its greatest entry, so that nothing underflows and no eps is needed; the mask compares signs, because
    products of small numbers underflow to 0. Induction over steps: the same for a factor on all gradients of a run.
    The recipe's clip is such a factor at every single step, so it never touches a sign; but where it acts on some
    steps only it weighs them against each other in M, and (5) then holds of the gradients after it.

Discontinuity. C is continuous in U (an entry leaves through 0) but not in G: as G_ij passes 0, C_ij jumps between 0 and
its value. There two exact computations may rightly part; how the harness deals with it: `parity.decisions`.

Cost. 5 (2 min^2 max + min^3) multiplications a matrix, for d = 32 less than the batch's own share by far; one number of
state for each weight, where Adam keeps two.

Amended. PERSONAS.md has no rule for the scale of the step: here Adam's (Liu 2025). The momentum is plain, not Nesterov's:
the gradient has its say in the mask. A mask that leaves little is rescaled by much (Liang 2024 divide by its mean).

Sources: Jordan 2024 (Muon, the quintic); Liang 2024 (Cautious Optimizers); Liu 2025 (Muon is scalable: 0.2 sqrt(max),
decay); Bernstein & Newhouse 2024 (steepest descent in the spectral norm); Higham 2008 (Newton-Schulz).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from personas.case import Case, Theorem, representable

QUINTIC, STEPS = (3.4445, -4.7750, 2.0315), 5
ADAMS = 0.2  # the size of Adam's steps in units of the learning rate, root mean square


# Operators alone, so that NumPy arrays and torch tensors (for `parity.rounding`) go through the same lines.
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


@dataclass(frozen=True)
class Muon:
    """rate: the learning rate in units of the schedule's. momentum: mu. weight_decay: delta, decoupled."""

    rate: float = 1.0
    momentum: float = 0.95
    weight_decay: float = 0.1

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """An optimizer has no parameters of its own."""
        return {}

    def update(self, w, m, g, lr):
        """One update of one matrix (r, c): (W, M) after it. lr: the schedule's."""
        m = self.momentum * m + (1 - self.momentum) * g
        c = conclusion(newton_schulz(m), g)
        step = ADAMS * max(w.shape) ** 0.5 * c
        return w * (1 - self.rate * lr * self.weight_decay) - self.rate * lr * step, m

    def orthogonal(self, p: dict[str, np.ndarray], m: np.ndarray) -> np.ndarray:
        """m (n, r, c), n matrices -> U of each."""
        return np.stack([newton_schulz(one) for one in m])

    def conclude(self, p: dict[str, np.ndarray], u: np.ndarray, g: np.ndarray) -> np.ndarray:
        """u, g (n, r, c) -> C of each."""
        return np.stack([conclusion(*pair) for pair in zip(u, g, strict=True)])

    def __call__(
        self, p: dict[str, np.ndarray], w: np.ndarray, m: np.ndarray, g: np.ndarray, lr: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """w, m, g (n, r, c), lr () -> (W, M) of each."""
        w, m = zip(*(self.update(*one, lr) for one in zip(w, m, g, strict=True)), strict=True)
        return np.stack(w), np.stack(m)


def _drawn(*shape: int):
    return lambda g: (g.normal(size=shape),)


def _pair(*shape: int):
    return lambda g: (g.normal(size=shape), g.normal(size=shape))


def _step(*shape: int):
    return lambda g: (*g.normal(size=(3, *shape)), np.array(0.02))


MUON = Muon(rate=2.0, momentum=0.9, weight_decay=0.3)
CASES = (
    Case("muon: a step", MUON, _step(3, 4, 6)),
    Case("muon: a step, tall", MUON, _step(2, 9, 4)),
    Case("muon: a step, the contract's sizes", MUON, _step(4, 128, 32)),
    Case("muon: newton-schulz", MUON, _drawn(3, 5, 8), "orthogonal"),
    Case("muon: newton-schulz, tall", MUON, _drawn(2, 8, 5), "orthogonal"),
    Case("muon: newton-schulz, one row", MUON, _drawn(2, 1, 6), "orthogonal"),
    Case("muon: newton-schulz, one entry", MUON, _drawn(2, 1, 1), "orthogonal"),
    Case("muon: newton-schulz, tiny", MUON, lambda g: (1e-6 * g.normal(size=(2, 3, 4)),), "orthogonal"),
    Case("muon: the conclusion", MUON, _pair(3, 4, 6), "conclude"),
)


def _matrices(g: np.random.Generator) -> np.ndarray:
    """Three of full rank, of any shape, one with singular values down to 1e-4 of the greatest."""
    r, c = g.integers(2, 9, size=2)
    m = g.normal(size=(4, r, c))
    p, _, q = np.linalg.svd(m[0], full_matrices=False)
    m[0] = p * np.geomspace(1, 1e-4, min(r, c)) @ q
    return representable(m)


def _phi(s: np.ndarray) -> np.ndarray:
    a, b, c = QUINTIC
    for _ in range(STEPS):
        s = a * s + b * s**3 + c * s**5
    return s


def _vectors(evaluate, g):
    m = _matrices(g)
    p, s, q = np.linalg.svd(m, full_matrices=False)
    s /= np.linalg.norm(s, axis=-1, keepdims=True)
    return evaluate(MUON, {}, "orthogonal", m), (p * _phi(s)[:, None]) @ q


def _values(evaluate, g):
    m = _matrices(g)
    share = np.linalg.svd(m, compute_uv=False)
    share /= np.linalg.norm(share, axis=-1, keepdims=True)
    s = np.sort(np.linalg.svd(evaluate(MUON, {}, "orthogonal", m), compute_uv=False), axis=-1)
    # In order of size: as many must reach the upper interval as are great enough to.
    floor = np.sort(np.where(share >= 1.6e-3, 0.68, 0.0), axis=-1)
    return s, np.clip(s, floor, 1.21)


def _sparse(g: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """U and G with entries of exactly 0, and a G of nothing else. There C has no derivative, so it is not a case."""
    u, v = representable(g.normal(size=(2, 3, 4, 6))) * (g.random((2, 3, 4, 6)) < 0.6)
    v[1] = 0
    return u, v


def _agreement(evaluate, g):
    u, v = _sparse(g)
    c = evaluate(MUON, {}, "conclude", u, v)
    return np.minimum(c * np.sign(v), 0), np.zeros_like(c)


def _open(evaluate, g):
    u, v = _sparse(g)
    return evaluate(MUON, {}, "conclude", u, v)[u * v == 0], np.zeros((u * v == 0).sum())


def _length(evaluate, g):
    u, v = _sparse(g)
    v[:, 0, 0] = u[:, 0, 0] = 1  # so that they agree somewhere
    return np.linalg.norm(evaluate(MUON, {}, "conclude", u, v), axis=(1, 2)), np.linalg.norm(u, axis=(1, 2))


def _empty(evaluate, g):
    u = representable(g.normal(size=(3, 4, 5)))
    against = -u * (g.random(u.shape) < 0.7)
    return evaluate(MUON, {}, "conclude", u, against), np.zeros_like(u)


def _direction(evaluate, m, v):
    return evaluate(MUON, {}, "conclude", evaluate(MUON, {}, "orthogonal", m), v)


def _power(evaluate, g):
    # 2^-100: squares and products of such numbers underflow in float32.
    m, factor = _matrices(g), 2.0 ** g.choice([-100, -40, 3, 60])
    v = representable(m + g.normal(size=m.shape))
    return _direction(evaluate, factor * m, factor * v), _direction(evaluate, m, v)


def _factor(evaluate, g):
    # Few digits each, so that the product is exact in float32.
    m, v = g.integers(-(2**12), 2**12, size=(2, 3, 5, 4)).astype(float)
    factor = float(g.integers(2, 1000))
    return _direction(evaluate, factor * m, factor * v), _direction(evaluate, m, v)


STEEP = 4 * 485**2  # an error grows by up to phi^5's slope at 0; five products in a row, the later ones by less
THEOREMS = (
    Theorem("muon: singular vectors", "U has the singular vectors of M", _vectors, STEEP),
    Theorem("muon: singular values", "1.6e-3 and more go to [0.68, 1.21], less to [0, 1.21]", _values, STEEP),
    Theorem("muon: agreement", "no entry of C stands against the gradient's", _agreement, 1, exact=True),
    Theorem("muon: open", "what either premise leaves open is left out", _open, 1, exact=True),
    Theorem("muon: length", "C is as long as U", _length, length=64),
    Theorem("muon: empty mask", "C = 0 where the premises agree nowhere", _empty, 1, exact=True),
    Theorem("muon: power of two", "as a factor on M and G it changes nothing", _power, 1, exact=True),
    Theorem("muon: factor", "no positive factor on M and G changes anything, up to rounding", _factor, STEEP),
)
