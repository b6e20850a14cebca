"""A21, habit: weights that the first text needed are pulled back to it while a second text is learned.

Idea. What was often done becomes a second nature (De Memoria 452a), and is hard to change where it was much used
(Nicomachean Ethics VII.10). So a weight may move as freely as the first text left it undetermined.

Equations. Let w* be the weights after N tokens of the first text, and F the diagonal of its Fisher information,
    F_i = E_x E_(y ~ p(. | x)) (d log p(y | x) / d w_i)^2                     per token, at w*, contexts x of the text
By Laplace's approximation the first text's posterior is normal about w* with precisions N F. For M tokens of the
second text the mean of its loss and of that posterior's is, up to a constant,
    L(w) + strength (N / M) / 2 sum_i F_i (w_i - w*_i)^2
so that its gradient g of a batch becomes, before the clip,
    pull(g, w, w*, F) = g + s F (w - w*),     s = strength N / M
strength 1 is Bayes's; it makes up for what a diagonal leaves out if it is larger. strength 0 is plain fine-tuning.
It is added to the gradient, not to the step like AdamW's decay: only then the weights rest where theorem 1 says.

How F is measured. The targets y are drawn from the model's own law at contexts of the training text: the definition.
The empirical Fisher, which takes the text's targets instead, is the second moment of gradients of a model that does not
fit its text, and no curvature (Kunstner 2019). With drawn targets scores of different tokens are uncorrelated even in
one context (3), hence the square of a batch's summed score is an unbiased estimate of the sum of its tokens' squares:
one backward pass for many tokens, where the text's own targets would need one for each.

Theorems.
 1. (mode) For a quadratic L(w) = (w - a)^T H (w - a) / 2 the pulled gradient is 0 at
    (H + s F)^-1 (H a + s F w*), which is the mode of the posterior with the precisions H and s F about a and w*.
 2. (free) Where F_i = 0, and everywhere at w = w* or s = 0, the gradient is not changed.
 3. (scores) E (sum_t s_t)^2 = sum_t E s_t^2, for scores s_t of targets drawn independently given all contexts:
    E[s_t | x] = sum_y p(y | x) grad log p(y | x) = grad 1 = 0, so every product of two has mean 0.
 4. (softmax) For logits W x the Fisher diagonal of W_kj is p_k (1 - p_k) x_j^2: the score is (1[y = k] - p_k) x_j,
    and 1[y = k] has the variance p_k (1 - p_k). Here on all rows of the model's head of genera.

What the memory (A19) counts. Counts forget nothing: a continued run's memory counts both training texts, the first's
and then the second's. It has no part in training, nor in F, and is the same with the pull and without it.

Information below LEAST counts as none: a weight with less of it may move by 1 at a cost of 5e-6 nats per token. So most
rows of a vocabulary, those of tokens that the text hardly has, are free; of all the pull they had 1e-4.

Cost. Two numbers a weight; two additions and a multiplication a step for weights in rows that have information. To
measure: 256 batches, forward and backward.
Sources: Kirkpatrick et al. 2017 (elastic weight consolidation); Huszar 2018 (its Laplace approximation); Kunstner et
al. 2019 (the empirical Fisher is another thing); Martens 2020 (Fisher and curvature).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from lyceum.personas.model.retain import Arrays, Retain, continued
from lyceum.personas.spec.case import Case, Theorem, representable
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.names import below
from lyceum.personas.spec.system import System

LEAST = 1e-5  # information of a weight per token that counts


@dataclass(frozen=True, eq=False)
class Elastic:
    """strength: s. weights, fisher: w* and F by parameter."""

    strength: float
    weights: Arrays = field(default_factory=dict, repr=False)
    fisher: Arrays = field(default_factory=dict, repr=False)

    def initial(self, stream: np.random.Generator, n_layer: int) -> dict[str, np.ndarray]:
        """Nothing is trained by gradients."""
        return {}

    def pull(self, p: dict[str, np.ndarray], g, w, weights, fisher):
        """A parameter's gradient g, its value w, w* and F, of one shape -> the gradient with the pull."""
        return g + self.strength * (fisher * (w - weights))

    def restrain(self, p: dict[str, np.ndarray], gradients: dict, parameters: dict) -> dict:
        """Gradients and parameters by name -> the gradients with the pull. Only operators, so that tensors do too."""
        return {
            name: self.pull(p, g, parameters[name], self.weights[name], self.fisher[name])
            for name, g in gradients.items()
        }


def fisher(scores: Iterable[Arrays], tokens: int) -> Arrays:
    """F per token by parameter, "fisher.<parameter>" float32, from summed scores of so many tokens each."""
    total: Arrays = {}
    count = 0
    for score in scores:
        count += tokens
        for name, g in score.items():
            total[name] = total.get(name, 0) + np.square(g, dtype=np.float64)
    means = {name: x / count for name, x in total.items()}
    return {f"fisher.{name}": np.where(x < LEAST, 0, x).astype(np.float32) for name, x in means.items()}


SPEC = Elastic(0.75)


def _drawn(g: np.random.Generator, *shape: int, scale: float = 1.0) -> tuple[np.ndarray, ...]:
    gradient, w, away = g.normal(size=(3, *shape))
    return gradient, w, w + scale * away, g.exponential(size=shape)


CASES = (
    Case("retain: pull", SPEC, lambda g: _drawn(g, 5, 7), "pull"),
    Case("retain: pull, one vector", SPEC, lambda g: _drawn(g, 6), "pull"),
    Case("retain: pull, near the first weights", SPEC, lambda g: _drawn(g, 5, 7, scale=1e-3), "pull"),
    Case("retain: pull, strong", replace(SPEC, strength=40.0), lambda g: _drawn(g, 5, 7), "pull"),
)


def _mode(evaluate, g):
    root, a, first, precision = g.normal(size=(8, 8)), g.normal(size=8), g.normal(size=8), g.exponential(size=8)
    hessian, first, precision = root @ root.T + np.eye(8), representable(first), representable(precision)
    stiff = SPEC.strength * precision
    mode = np.linalg.solve(hessian + np.diag(stiff), hessian @ a + stiff * first)
    pull = evaluate(SPEC, {}, "pull", np.zeros(8), mode, first, precision)
    return np.append(pull, first), np.append(-hessian @ (mode - a), first)


def _free(evaluate, g):
    gradient, w, first, precision = map(representable, _drawn(g, 6))
    untouched = [(SPEC, w, 0 * precision), (SPEC, first, precision), (replace(SPEC, strength=0.0), w, precision)]
    pulled = [evaluate(spec, {}, "pull", gradient, at, first, f) for spec, at, f in untouched]
    return np.stack(pulled), np.stack([evaluate(SPEC, {}, "pull", gradient, w, w, precision)] * 3)


THEOREMS = (
    Theorem("retain: mode", "the pull balances a quadratic at the mode of the posterior", _mode, length=64),
    Theorem("retain: free", "without information or distance or strength nothing is pulled", _free, 0, exact=True),
)


def _modules(modules: dict, sizes, tables: Arrays) -> dict:
    """The module "retain" of a continued run; none for plain fine-tuning, which has no weights to be pulled to."""
    if "strength" not in tables:
        raise PersonaError("'retain' is part of runs that are continued on a second text: lyceum retain RUN makes one.")
    weights = below(tables, "weights")
    return {"retain": Elastic(float(tables["strength"]), weights, below(tables, "fisher"))} if weights else {}


SYSTEM = System(
    "retain",
    "A21, habit",
    job="a run continued on a second text, its weights pulled back by the Fisher information of the first",
    command="lyceum retain RUN",
    retain=Retain(strength=1.0, measure=fisher),
    build=_modules,
    train=continued,
)
