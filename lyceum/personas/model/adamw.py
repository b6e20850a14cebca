"""AdamW, the reference: gradients clipped at a global norm, then Adam with decoupled decay.

It is the rule of most parameters in `lyceum.personas.model.optimizer`.

Equations, for step k = 1, 2, ...:
    g <- g * min(1, clip / (|g| + 1e-6)),     |g| over all parameters together
    m <- b1 m + (1 - b1) g,                   v <- b2 v + (1 - b2) g^2
    p <- (1 - lr decay) p - lr (m / (1 - b1^k)) / (sqrt(v / (1 - b2^k)) + eps)
with decay 0 for gains and biases. Each backend uses its library's AdamW, which must compute this.

Theorems.  (1) Decoupling: with g = 0 and m = 0, a step multiplies p by 1 - lr decay, whatever v. (2) At k = 1 the step
without decay is lr g / (|g| + eps), whatever b1 and b2: the bias correction undoes the averages' zero start. (3) Reach:
no step moves an entry by more than lr (R + decay |p|), R = (1 - b1) / sqrt((1 - b2) (1 - b1^2 / b2)), if b1^2 < b2;
proof: `lyceum.personas.aristotle.repair`, theorem 1.

Only operators are used, so that the same lines run on NumPy arrays and on torch tensors (`parity.bounds.rounding`).
Sources: Kingma & Ba 2015; Loshchilov & Hutter 2019; the 1e-6 is PyTorch's and MLX's.
"""

from __future__ import annotations

import numpy as np

from lyceum.personas.spec.recipe import Recipe


def clipped(gradients: dict, clip_norm: float) -> dict:
    """Gradients by name, scaled down together if their global norm exceeds clip_norm."""
    norm = sum((g * g).sum() for g in gradients.values()) ** 0.5
    factor = clip_norm / (norm + 1e-6)
    return {name: g * factor for name, g in gradients.items()} if factor < 1 else gradients


def adamw(p, m, v, g, step, lr: float, recipe: Recipe, decay: float):
    """One update of one parameter: (p, m, v) after it. step: 1-based, a number or a 0-d array of p's type."""
    b1, b2 = recipe.betas
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * (g * g)
    corrected = (v / (1 - b2**step)) ** 0.5
    return p * (1 - lr * decay) - lr * (m / (1 - b1**step)) / (corrected + recipe.eps), m, v


def adamw_reach(lengths: np.ndarray, columns: int, recipe: Recipe, decay: float) -> np.ndarray:
    """How far a step at learning rate 1 moves rows of so many entries at most. lengths: theirs before it, (rows,)."""
    b1, b2 = recipe.betas
    entry = (1 - b1) / ((1 - b2) * (1 - b1**2 / b2)) ** 0.5
    return entry * columns**0.5 + decay * lengths
