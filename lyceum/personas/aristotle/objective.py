"""A22, the final cause: a loss that also asks for the token after next, and that nothing be said twice at once.

Idea. What comes to be is for the sake of what it becomes (Physics II.8): a token is chosen for the sentence that it
leads to. So training asks every fourth position two questions more. What comes after next? And does what stands here
hold of the next place as well, where something else holds? The same cannot belong and not belong to the same at once
(Metaphysics IV.3). Both questions are means: they fade, and the end is the log loss alone.

Equations, for x_t that the head reads, ids w_t, targets w_(t+1), the head's log p(. | x), and t = 0, n, 2n, ... up to
T - 2, n = every:
    ahead          x'_t = x_t + W x_t,    A_t = -log p(w_(t+2) | x'_t)
    contradiction  C_t = -log(1 - p(w_t | x_t)) if w_t is not w_(t+1), else 0;   log p counts as -tiny at most
    loss_t = -log p(w_(t+1) | x_t) + weight * n * (ahead A_t + contradiction C_t)       the second at these t alone
    weight at iteration s of S:  max(0, 1 - s / (until S))
A mean over the block is thus the mean of the log loss and an unbiased estimate of that of the two others.

Theorems.
 1. (proper) For a true law q of w_(t+2) the expected A is least at p = q alone: E A = H(q) + KL(q | p), Gibbs.
    In the head's logits its gradient is p - q.
 2. (end) At weight 0 the loss is the log loss, to the last bit; from iteration until * S on the weight is 0.
 3. C alone is not proper: it is least at p(w_t) = 0 whatever q, which is why it has to fade.
 4. The head's question about the next token depends on no later token, as before: w_(t+2) is a target, never an input.

Cost. d^2 parameters, which only training uses; half of one more evaluation of the head while the weight lasts.
Sources: Gloeckle et al. 2024 (several tokens ahead); Qi et al. 2020; Welleck et al. 2020 (unlikelihood).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.system import System


@dataclass(frozen=True)
class FinalCause:
    """n_embd: the width d. ahead, contradiction: weights of the questions. every: n. until: a share of all iterations.

    tiny: nats, the least surprise at a contradiction. reads: the method of the vocabulary that answers.
    """

    reads: ClassVar[str] = "log_prob"
    n_embd: int
    ahead: float = 0.25
    contradiction: float = 0.25
    every: int = 4
    until: float = 0.5
    tiny: float = 2.0**-10

    def weight(self, step: int, total_steps: int) -> float:
        """The weight of the questions at iteration `step` (0-based) of total_steps."""
        return max(0.0, 1 - step / (self.until * total_steps))

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """{"ahead.weight": (d, d)}."""
        return {"ahead.weight": stream.normal(0, 0.02, (self.n_embd, self.n_embd))}

    def ask(
        self, p: dict[str, np.ndarray], x: np.ndarray, ids: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """x (B, T, d), ids, targets (B, T) -> what the head reads (B, 2, n, d) and is asked for (B, 2, n).

        T is at least 2. First the token after next, then the present one.
        """
        here = x[:, : -1 : self.every]
        states = np.stack([here + here @ p["ahead.weight"].T, here], axis=1)
        return states, np.stack([targets[:, 1 :: self.every], ids[:, : -1 : self.every]], axis=1)

    def losses(
        self,
        p: dict[str, np.ndarray],
        answers: np.ndarray,
        ids: np.ndarray,
        targets: np.ndarray,
        weight: np.ndarray,
    ) -> np.ndarray:
        """answers (B, 2, n), ids, targets (B, T), weight () -> what is added to the log loss, (B, T), nats."""
        after, present = answers[:, 0], np.minimum(answers[:, 1], -self.tiny)
        differ = (ids != targets)[:, : -1 : self.every]
        losses = np.zeros(ids.shape)
        losses[:, : -1 : self.every] = (weight * self.every) * (
            -self.ahead * after - self.contradiction * differ * np.log(-np.expm1(present))
        )
        return losses


SPEC, DENSE = FinalCause(8), FinalCause(8, ahead=0.5, contradiction=1.0, every=1, tiny=2.0**-6)


def _texts(g: np.random.Generator, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    """ids and targets of few values, so that some are equal."""
    return tuple(g.integers(0, 3, size=(2, *shape)).astype(np.int32))


def _asked(g: np.random.Generator, batch: int, length: int, width: int = 8) -> tuple[np.ndarray, ...]:
    return (g.normal(size=(batch, length, width)), *_texts(g, batch, length))


def _answered(g: np.random.Generator, batch: int, length: int, n: int, confident: float = 1.0):
    return -g.exponential(confident, size=(batch, 2, n)), *_texts(g, batch, length), np.array(0.7)


CASES = (
    Case("objective: ask", SPEC, lambda g: _asked(g, 2, 9), "ask"),
    Case("objective: ask, at every position", DENSE, lambda g: _asked(g, 2, 5), "ask"),
    Case("objective: ask, the contract's sizes", FinalCause(32), lambda g: _asked(g, 8, 64, 32), "ask"),
    Case("objective: ask, two tokens", SPEC, lambda g: _asked(g, 3, 2), "ask"),
    Case("objective: losses", SPEC, lambda g: _answered(g, 2, 9, 2), "losses"),
    Case("objective: losses, at every position", DENSE, lambda g: _answered(g, 3, 5, 4), "losses"),
    Case("objective: losses, the contract's sizes", FinalCause(32), lambda g: _answered(g, 8, 64, 16), "losses"),
    Case("objective: losses, sure of a contradiction", DENSE, lambda g: _answered(g, 3, 5, 4, 1e-3), "losses"),
)


def _expected(evaluate, q: np.ndarray, log_p: np.ndarray) -> np.ndarray:
    """E A for a law q and log p (n, V) of the token after next: the losses that are added at weight 1."""
    (n, size), spec = q.shape, FinalCause(8, ahead=1.0, contradiction=0.0, every=1)
    ids, total = np.zeros((n, 2), np.int32), np.zeros(n)
    for w in range(size):
        answers = np.stack([log_p[:, w : w + 1], -np.ones((n, 1))], axis=1)
        losses = evaluate(spec, {"ahead.weight": np.zeros((8, 8))}, "losses", answers, ids, ids, np.array(1.0))
        total += q[:, w] * losses[:, 0]
    return total


def _proper(evaluate, g):
    q, p = g.dirichlet(np.ones(5), size=(2, 20))
    log_q, log_p = (representable(np.log(law)) for law in (q, 0.9 * p + 0.1 * q))
    least, other = _expected(evaluate, q, log_q), _expected(evaluate, q, log_p)
    divergence = (q * (log_q - log_p)).sum(-1)
    return np.stack([other - least, np.minimum(other, least)]), np.stack([divergence, least])


def _end(evaluate, g):
    answers, ids, targets, _ = _answered(g, 2, 9, 2)
    p = Case("", SPEC, None).parameters(g)
    return evaluate(SPEC, p, "losses", representable(answers), ids, targets, np.array(0.0)), np.zeros((2, 9))


def _present(evaluate, g):
    # Where every token repeats the one before it nothing is contradicted, however sure the head is.
    answers, ids, _, weight = _answered(g, 2, 9, 2)
    answers = representable(answers)
    p, surer = Case("", SPEC, None).parameters(g), answers * np.array([1, 0.5])[:, None]
    sides = (evaluate(SPEC, p, "losses", x, ids, ids, weight) for x in (answers, surer))
    return tuple(sides)


THEOREMS = (
    Theorem("objective: proper", "E A = H(q) + KL(q | p), least at p = q", _proper, length=32),
    Theorem("objective: end", "at weight 0 nothing is added to the log loss", _end, length=0, exact=True),
    Theorem("objective: no contradiction", "what repeats is not contradicted", _present, length=0, exact=True),
)

SYSTEM = System(
    "objective",
    "A22, the final cause",
    job="training loss: also the token after next and no immediate contradiction, both fading to the log loss",
    module="objective",
    build=lambda modules, sizes, tables: {"objective": FinalCause(sizes.n_embd)},
)
