"""The categories: a tree over the vocabulary and a smoothed count of every token, from the training split alone.

Prepared once, in NumPy, and shared by both wings; the room that uses it is `personas.aristotle.tokenize`.

**Where a token belongs.** A token met in training is described by its neighbours: with r_wn the count of neighbour n
(the 500 commonest tokens, one bin for the rest, left and right apart) and q its overall share,

    h_w = sqrt((r_wn + 5 q_n) / (r_w + 5)) - sqrt(q_n),

the Hellinger embedding, shrunk towards "no news" where counts are few; x_w is h_w on its 24 principal axes, weighted
by counts. A token never met has no neighbours, so it inherits: a ridge regression from surface marks to x, weighted by
sqrt(count), says where its like are found; y_w is that prediction. The place of w is the mean of both,
(c_w x_w + 8 y_w) / (c_w + 8).

**The tree.** Division by halves: a set is cut at the median along its principal axis, into "has it" and "lacks it",
ten times over. Every genus of a level holds the same number of tokens within one, so a path costs the same whatever
the token. Projections are rounded to six digits before sorting, ties break by id.

**How often a token is met.** Absolute discounting with the mass of novelty measured, not assumed: cut the split into
12 stretches and count the tokens of each that occur in no other; their share m is what the next text will bring. Seen
tokens give up D = m N / (types seen) each, p_w = (c_w - D)^+ / N; the freed mass goes to unseen tokens in proportion
to the rate at which their surface class brought novelty, (T_k + a m') / (A_k + a), with T_k novel tokens and A_k types
that were or are unseen.

Sources: Lebret & Collobert 2014 (Hellinger PCA); Brown et al. 1992 (class models); Ney, Essen, Kneser 1994
(discounting); Jelinek & Mercer 1980 (held-out estimation). Cost: about four seconds, once a run.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import cg

from personas.aristotle.surface import category, marks

NEIGHBOURS, AXES, SHRINK, INHERIT = 500, 24, 5.0, 8.0
STRETCHES, PSEUDO = 12, 0.5


def base_rates(ids: np.ndarray, vocabulary: list[bytes]) -> np.ndarray:
    """The smoothed unigram: (V,) float64, every entry positive, sum 1. ids: the training split (N,)."""
    n_vocab = len(vocabulary)
    counts = np.bincount(ids, minlength=n_vocab)
    novel = np.zeros(n_vocab)
    for stretch in np.array_split(ids, STRETCHES):
        inside = np.bincount(stretch, minlength=n_vocab)
        novel += np.where(inside == counts, inside, 0)
    unseen = counts == 0
    classes: dict[tuple, int] = {}
    kind = np.array([classes.setdefault(category(token), len(classes)) for token in vocabulary])
    brought = np.bincount(kind, weights=novel, minlength=len(classes))
    candidates = np.bincount(kind, weights=unseen | (novel > 0), minlength=len(classes))
    # One novel token at least, so that every id keeps a chance however short or repetitive the text.
    novelty = max(novel.sum(), 1.0)
    overall = novelty / max(1, (unseen | (novel > 0)).sum())
    rate = (brought + PSEUDO * overall) / (candidates + PSEUDO)
    discount = min(0.9, novelty / np.count_nonzero(counts))
    rates = np.maximum(counts - discount, 0) / len(ids)
    if not unseen.any():
        return rates / rates.sum()
    rates[unseen] = rate[kind[unseen]] / rate[kind[unseen]].sum() * (1 - rates.sum())
    return rates


def places(ids: np.ndarray, vocabulary: list[bytes]) -> np.ndarray:
    """Where each token belongs, (V, AXES) float64."""
    counts = np.bincount(ids, minlength=len(vocabulary)).astype(np.float64)
    met = neighbourhoods(ids, counts)
    kin = inherited(met, counts, vocabulary)
    return (counts[:, None] * met + INHERIT * kin) / (counts[:, None] + INHERIT)


def neighbourhoods(ids: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """x: the Hellinger embedding of neighbour counts on its principal axes, (V, AXES); 0 for tokens never met."""
    n_vocab, bins = len(counts), NEIGHBOURS + 1
    bin_of = np.full(n_vocab, NEIGHBOURS)
    bin_of[np.argsort(-counts, kind="stable")[:NEIGHBOURS]] = np.arange(NEIGHBOURS)
    met = np.flatnonzero(counts)
    row_of = np.zeros(n_vocab, dtype=np.int64)
    row_of[met] = np.arange(len(met))
    left = row_of[ids[1:]] * 2 * bins + bin_of[ids[:-1]]
    right = row_of[ids[:-1]] * 2 * bins + bins + bin_of[ids[1:]]
    table = np.bincount(np.concatenate([left, right]), minlength=len(met) * 2 * bins).reshape(len(met), 2 * bins)
    share = table.sum(0) / table.sum()
    hellinger = np.sqrt((table + SHRINK * share) / (table.sum(1, keepdims=True) + SHRINK)) - np.sqrt(share)
    weighted = hellinger * np.sqrt(counts[met])[:, None]
    _, axes = np.linalg.eigh(weighted.T @ weighted)
    embedded = np.zeros((n_vocab, AXES))
    embedded[met] = hellinger @ axes[:, -AXES:]
    return embedded


def inherited(met: np.ndarray, counts: np.ndarray, vocabulary: list[bytes]) -> np.ndarray:
    """y: the ridge regression of x on surface marks, (V, AXES), for every token."""
    columns: dict[tuple, int] = {}
    pairs = [(i, columns.setdefault(m, len(columns))) for i, token in enumerate(vocabulary) for m in marks(token)]
    rows, cols = np.array(pairs).T
    shape = (len(vocabulary), len(columns))
    design = sparse.csr_matrix((np.ones(len(rows)), (rows, cols)), shape=shape)
    weight = np.sqrt(counts)
    normal = design.T @ sparse.diags(weight) @ design + sparse.eye(len(columns))
    right = design.T @ (weight[:, None] * met)
    return design @ np.stack([cg(normal, column, rtol=1e-3, maxiter=100)[0] for column in right.T], axis=1)


def divide(places: np.ndarray, weight: np.ndarray, depth: int) -> list[np.ndarray]:
    """Halve the tokens `depth` times along principal axes: 2^depth groups of ids, ascending within a group.

    places (V, k), weight (V,) of each token in the axes. Sizes within one level differ by at most one.
    """
    groups = [np.arange(len(places))]
    for _ in range(depth):
        groups = [half for group in groups for half in _halve(group, places[group], weight[group])]
    return groups


def _halve(group: np.ndarray, places: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centred = places - np.average(places, axis=0, weights=weight)
    _, axes = np.linalg.eigh((centred * weight[:, None]).T @ centred)
    axis = axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])
    order = np.argsort(np.round(centred @ axis, 6), kind="stable")
    middle = (len(group) + 1) // 2
    return np.sort(group[order[:middle]]), np.sort(group[order[middle:]])
