"""Fitting the gate of a memory (`lyceum.personas.memory.mixture`): loss, gradient and descent, in NumPy.

With prior weights w_i = softmax(s)_i and posterior weights v_i = softmax(s + log p)_i of the parts, at one target

    -log p = logsumexp(s) - logsumexp(s + log p),        d(-log p) / d s_i = w_i - v_i,

so the gradient of a constant is the prior weight less the posterior weight of each part, summed against what the
constant multiplies. Cache and follower enter as s = W f + log sum_j K_tj and p = hits / sum_j K_tj, hence

    d(-log p) / d log K_tj = w K_tj / sum_j K_tj - v [x_j = target] K_tj / hits.

Descent: Adam, a cosine down to 0, 96 consecutive blocks a step; a pull of 1e-4 towards the start, three times as strong
between neighbouring lags. Features are standardised during the fit, and the scale is folded into W at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from lyceum.personas.memory.evidence import Evidence
from lyceum.personas.memory.recency import CLASSES, LONGEST, Recency, lags, levels, matches
from lyceum.rng import stream

STEPS, CHUNK, RATE, PULL, SMOOTH = 400, 96, 0.05, 1e-4, 3.0

Constants = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Sample:
    """Blocks (K, T) of text that neither model nor counts were made from: what the gate reads of them.

    Nothing here depends on the gate's constants. ids, targets (K, T); weight (K, T): 1 for a target, 0 for padding;
    features (K, T, m + 3); offsets (K, T, n + 3); sizes (K, T, n, 2); parts (K, T, n + 4): log p(target), nats, of the
    model, the n guides, seen, novel and uniform; level (K, T): class of each id's count.
    """

    ids: np.ndarray
    targets: np.ndarray
    weight: np.ndarray
    features: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray
    parts: np.ndarray
    level: np.ndarray

    def rows(self, chosen: slice) -> Sample:
        """The same of some blocks."""
        return Sample(**{name: array[chosen] for name, array in vars(self).items()})


def sample(evidence: Evidence, ids, targets, weight, model_log_prob: np.ndarray, uncertainty: np.ndarray) -> Sample:
    """A sample from (K, T) ids, targets and weights, the model's log p(target) (K, T) and uncertainty (K, T, 3)."""
    lookup = evidence.look_up(ids)
    features = np.concatenate([lookup.features, uncertainty], -1)
    parts = np.concatenate([model_log_prob[..., None], evidence.text_log_probs(lookup, ids, targets)], -1)
    level = levels(evidence.novelty.counts, CLASSES)[ids]
    return Sample(ids, targets, weight, features, lookup.offsets, lookup.sizes, parts, level)


def joined(samples: list[Sample]) -> Sample:
    """All blocks of several samples."""
    return Sample(**{name: np.concatenate([getattr(s, name) for s in samples]) for name in vars(samples[0])})


def start(memory: type[Evidence], block_size: int) -> Constants:
    """The constants at which the fit of a memory's gate begins."""
    guides, parts = len(memory.GUIDES), memory.parts()
    weight = np.zeros((1 + len(parts), len(memory.FEATURES) + 3))
    weight[1:, 0] = [memory.START.get(name, 0.0) for name in parts]
    sizes = {"size_weight": (guides, 2), "cache_lag": block_size, "cache_count": CLASSES, "follow_lag": block_size}
    sizes |= {"follow_count": CLASSES, "follow_match": LONGEST, "follow_present": CLASSES}
    return {"weight": weight} | {name: np.zeros(size) for name, size in sizes.items()}


def losses(constants: Constants, s: Sample) -> np.ndarray:
    """-log p(target), (K, T), nats."""
    scores, parts = _scores(constants, s)[:2]
    return logsumexp(scores, axis=-1) - logsumexp(scores + parts, axis=-1)


def _scores(constants: Constants, s: Sample) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
    """s and log p (K, T, n + 6), the weights K and F (K, T, T), and where the target stood before (K, T, T)."""
    weights = Recency.from_constants(constants).weights(s.ids, s.level)
    hit = s.ids[:, None, :] == s.targets[:, :, None]
    scores = s.features @ constants["weight"].T
    scores[..., 1:-2] += s.offsets
    scores[..., guides(s)] += (s.sizes * constants["size_weight"]).sum(-1) / 3
    total, hits = (np.stack([(w * mask).sum(-1) for w in weights], -1) for mask in (1, hit))
    # Without a follower, numerator and denominator are this 1e-20 instead of 0.
    scores[..., -2:] += np.log(total + 1e-20)
    block = np.log(hits + 1e-20) - np.log(total + 1e-20)
    return scores, np.concatenate([s.parts, block], -1), weights, hit


def guides(s: Sample) -> slice:
    """The positions of the guides among the parts."""
    return slice(1, 1 + s.sizes.shape[-2])


def gradient(constants: Constants, s: Sample) -> tuple[float, Constants]:
    """The mean loss of the weighted targets, and its gradient in every constant."""
    scores, parts, weights, hit = _scores(constants, s)
    share = (s.weight / s.weight.sum())[..., None]
    prior = share * np.exp(scores - logsumexp(scores, axis=-1, keepdims=True))
    posterior = scores + parts
    log_total = logsumexp(posterior, axis=-1, keepdims=True)
    loss = float((share * (logsumexp(scores, axis=-1, keepdims=True) - log_total)).sum())
    posterior = share * np.exp(posterior - log_total)
    slope = prior - posterior
    gradients = {"weight": np.einsum("kti,ktf->if", slope, s.features)}
    gradients["size_weight"] = np.einsum("kti,ktia->ia", slope[..., guides(s)], s.sizes) / 3
    lag = np.broadcast_to(lags(s.ids.shape[1], len(constants["cache_lag"]))[0], hit.shape)
    earlier = np.broadcast_to(s.level[:, None, :], hit.shape)
    for i, name in ((-2, "cache"), (-1, "follow")):
        w = weights[i]
        lag_gradient = (prior[..., i] / (w.sum(-1) + 1e-20))[..., None] * w
        lag_gradient -= (posterior[..., i] / ((w * hit).sum(-1) + 1e-20))[..., None] * w * hit
        gradients[f"{name}_lag"] = _summed(lag, lag_gradient, len(constants[f"{name}_lag"]))
        gradients[f"{name}_count"] = _summed(earlier, lag_gradient, CLASSES)
    gradients["follow_match"] = _summed(matches(s.ids, LONGEST), lag_gradient, LONGEST + 1)[1:]
    gradients["follow_present"] = _summed(s.level, lag_gradient.sum(-1), CLASSES)
    return loss, gradients


def _summed(index: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """The sum of the values of each index, (size,)."""
    return np.bincount(index.ravel(), values.ravel(), minlength=size)


def fit(memory: type[Evidence], s: Sample, steps: int = STEPS, chunk: int = CHUNK, seed: int = 0) -> Constants:
    """The constants that fit a sample, float32, by their names in `gate.json`."""
    counted = s.features[s.weight > 0]
    centre, scale = counted.mean(0), counted.std(0) + 1e-6
    centre[0], scale[0] = 0, 1
    s = Sample(**vars(s) | {"features": (s.features - centre) / scale})
    first = start(memory, s.ids.shape[1])
    constants = {name: value.copy() for name, value in first.items()}
    m, v = ({name: np.zeros_like(value) for name, value in first.items()} for _ in range(2))
    for step in range(steps):
        row = chunk * int(stream(seed, "memory-gate", step).integers(-(-len(s.ids) // chunk)))
        _, gradients = gradient(constants, s.rows(slice(row, row + chunk)))
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
        for name, value in constants.items():
            g = gradients[name] + 2 * PULL * (value - first[name])
            if name.endswith("_lag"):
                pull = 2 * PULL * SMOOTH * np.diff(value)
                g = g + np.append(0, pull) - np.append(pull, 0)
            m[name] = 0.9 * m[name] + 0.1 * g
            v[name] = 0.999 * v[name] + 0.001 * g * g
            corrected = m[name] / (1 - 0.9 ** (step + 1)), v[name] / (1 - 0.999 ** (step + 1))
            constants[name] = value - rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    constants["weight"] = constants["weight"] / scale
    constants["weight"][:, 0] -= constants["weight"] @ centre
    return {name: value.astype(np.float32) for name, value in constants.items()}
