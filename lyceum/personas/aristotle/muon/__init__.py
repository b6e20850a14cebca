"""A7, premises and conclusion: the optimizer of the hidden matrices.

Idea. The major premise is what held so far, the momentum M; the minor premise is what is seen now, the gradient G.
The conclusion keeps only what both support. M is first made orthogonal (Muon): a gradient's few great singular values
say how often a direction was asked for, not how far to go in it.

Equations, for a matrix W (r, c) of a block; embeddings, head and vectors follow AdamW
(`lyceum.personas.model.optimizer`):
    M <- mu M + (1 - mu) G                               no bias correction: the next steps do not see M's length
    X_0 = M / max|M| / | M / max|M| |_F,   X_0 = 0 if M = 0
    X_k+1 = a X_k + (b A + c A^2) X_k,  A = X_k X_k^T    (a, b, c) = (3.4445, -4.7750, 2.0315);  U = X_5
    C = K |U|_F / |K|_F,  K = U * [sign U = sign G /= 0],  C = 0 if K = 0
    W <- (1 - eta delta) W - 0.2 sqrt(max(r, c)) eta C,  eta = rate * the schedule's learning rate
An orthogonal U has entries of mean square 1 / max(r, c). Adam's steps have a root mean square of about 0.2 learning
rates; with that factor one learning rate and one decay suit both. A matrix with more rows than columns is transposed
for the iteration.

Theorems (`lyceum.personas.aristotle.muon.theorems`).
(1) Singular vectors. U = P phi^5(S) Q^T for X_0 = P S Q^T, phi(s) = a s + b s^3 + c s^5: by induction, since A X and
    A^2 X have the singular vectors of X and the singular values s^3 and s^5.
(2) Singular values. s >= 1.6e-3 goes to [0.68, 1.21], a smaller one to [0, 1.21]: phi takes [0.55, 1.21] into
    I = [0.68, 1.203] and I into itself, and rises on [0, 0.55]. So an orbit that enters [0.55, 1.21] within four steps
    ends in I; one that does not ends between phi^5(1.6e-3) = 0.718 and phi(0.55) = 1.203. phi^5 has slope 485 at 0.
(3) Agreement. C * G >= 0 in every entry, hence <C, G> >= 0: to first order no step raises the batch's loss.
(4) Length. |C|_F = |U|_F <= 1.21 sqrt(min(r, c)) unless C = 0, which is so if U and G agree nowhere.
(5) Scale. A positive factor on M and G alike changes neither U nor C, bit for bit if it is a power of two: M is first
    divided by its greatest entry, so that nothing underflows and no eps is needed; the mask compares signs, because
    products of small numbers underflow to 0. Induction over steps: the same for a factor on all gradients of a run.
    The recipe's clip is such a factor at every single step, so it changes no sign. If it acts on some steps only, it
    weighs the steps against each other in M, and (5) then holds for the clipped gradients.

C is continuous in U, but as G_ij passes 0, C_ij jumps: there two correct computations may differ, see
`parity.bounds.decisions`.
Cost. 5 (2 min^2 max + min^3) multiplications a matrix; one number of state for each weight, where Adam has two.
Choices. The factor 0.2 sqrt(max) is Liu's. The momentum is plain, not Nesterov's: the gradient acts in the mask.
Liang rescales by the share of entries in the mask, which leaves the length open; (4) does not.

Sources: Jordan 2024 (Muon, the quintic); Liang 2024 (Cautious Optimizers); Liu 2025 (Muon is scalable: 0.2 sqrt(max),
decay); Bernstein & Newhouse 2024 (steepest descent in the spectral norm); Higham 2008 (Newton-Schulz).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from lyceum.personas.aristotle.muon.mask import conclusion
from lyceum.personas.aristotle.muon.theorems import theorems
from lyceum.personas.model.newton_schulz import QUINTIC, STEPS, newton_schulz
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class Muon:
    """rate: the learning rate in units of the schedule's. momentum: mu. weight_decay: delta, decoupled.

    adam_rms: root mean square of Adam's steps, in units of the learning rate. quintic: (a, b, c). steps: of the
    iteration. masked_by_sign: a step is no continuous function of G (`parity.bounds.decisions`).
    """

    masked_by_sign: ClassVar[bool] = True
    rate: float = 1.0
    momentum: float = 0.95
    weight_decay: float = 0.1
    adam_rms: float = 0.2
    quintic: tuple[float, float, float] = QUINTIC
    steps: int = STEPS

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """An optimizer has no parameters of its own."""
        return {}

    def fresh(self, w) -> dict:
        """The state of a matrix beside W itself, before its first update."""
        return {"m": 0 * w}

    def update(self, w, m, g, lr):
        """One update of one matrix (r, c): (W, M) after it. lr: the schedule's."""
        m = self.momentum * m + (1 - self.momentum) * g
        c = conclusion(newton_schulz(m, self.quintic, self.steps), g)
        step = self.adam_rms * max(w.shape) ** 0.5 * c
        return w * (1 - self.rate * lr * self.weight_decay) - self.rate * lr * step, m

    def reach(self, shape: tuple[int, int], lengths: np.ndarray) -> np.ndarray:
        """How far a step at rate 1 moves rows of such lengths at most, (r,): by (4), and what decays."""
        step = self.adam_rms * max(shape) ** 0.5 * 1.21 * min(shape) ** 0.5
        return self.rate * (step + self.weight_decay * lengths)

    def orthogonal(self, p: dict[str, np.ndarray], m: np.ndarray) -> np.ndarray:
        """m (n, r, c): n matrices -> U of each."""
        return np.stack([newton_schulz(one, self.quintic, self.steps) for one in m])

    def conclude(self, p: dict[str, np.ndarray], u: np.ndarray, g: np.ndarray) -> np.ndarray:
        """u, g (n, r, c) -> C of each."""
        return np.stack([conclusion(*pair) for pair in zip(u, g, strict=True)])

    def __call__(self, p: dict[str, np.ndarray], w, m, g, lr) -> tuple[np.ndarray, np.ndarray]:
        """w, m, g (n, r, c), lr () -> (W, M) of each."""
        w, m = zip(*(self.update(*one, lr) for one in zip(w, m, g, strict=True)), strict=True)
        return np.stack(w), np.stack(m)


def _normal(count: int, *shape: int, scale: float = 1.0):
    return lambda g: tuple(scale * g.normal(size=(count, *shape)))


def _step(*shape: int):
    """W, M, G and the rate, redrawn until no entry of U or G is near 0, where C has no derivative."""

    def draw(g: np.random.Generator) -> tuple[np.ndarray, ...]:
        w, m, gradient = g.normal(size=(3, *shape))
        after = MUON.momentum * m + (1 - MUON.momentum) * gradient
        near = min(np.abs(MUON.orthogonal({}, after)).min(), np.abs(gradient).min()) < 0.01
        return draw(g) if near else (w, m, gradient, np.array(0.02))

    return draw


MUON = Muon(rate=2.0, momentum=0.9, weight_decay=0.3)
CASES = (
    Case("muon: a step", MUON, _step(2, 4, 6)),
    Case("muon: a step, tall", MUON, _step(2, 9, 4)),
    Case("muon: newton-schulz, the contract's sizes", MUON, _normal(1, 2, 128, 32), "orthogonal"),
    Case("muon: newton-schulz", MUON, _normal(1, 3, 5, 8), "orthogonal"),
    Case("muon: newton-schulz, tall", MUON, _normal(1, 2, 8, 5), "orthogonal"),
    Case("muon: newton-schulz, one row", MUON, _normal(1, 2, 1, 6), "orthogonal"),
    Case("muon: newton-schulz, near zero", MUON, _normal(1, 2, 3, 4, scale=1e-2), "orthogonal"),
    Case("muon: the conclusion", MUON, _normal(2, 3, 4, 6), "conclude"),
)
THEOREMS = theorems(MUON)


SYSTEM = System(
    "muon",
    "A7, premises and conclusion",
    job="optimizer of the blocks' matrices: Muon with a mask where the gradient agrees in sign",
    train=lambda recipe: replace(recipe, hidden=Muon(rate=2.0, weight_decay=1.0)),
)
