"""Which tokens are alike: a vector for every token, from the training split and from surface form.

A token that occurs in training is described by its neighbours: with r_wn the count of neighbour n (the 500 commonest
tokens, one bin for the rest, left and right apart) and q its overall share,

    h_w = sqrt((r_wn + 5 q_n) / (r_w + 5)) - sqrt(q_n),

the Hellinger embedding, shrunk towards "no information" where counts are few; x_w is h_w on its 24 principal axes,
weighted by counts. A token that does not occur has no neighbours, so its vector is predicted: y_w is the prediction of
a ridge regression from surface marks to x, weighted by sqrt(count). The vector of w is the mean of both,
(c_w x_w + 8 y_w) / (c_w + 8).

Source: Lebret & Collobert 2014 (Hellinger PCA). Cost: about four seconds, once a run.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import cg

from lyceum.personas.tokens.surface import marks

NEIGHBOURS, AXES, SHRINK, PRIOR = 500, 24, 5.0, 8.0


def coordinates(ids: np.ndarray, vocabulary: list[bytes]) -> np.ndarray:
    """A vector for every token, (V, AXES) float64. ids: the training split (N,)."""
    counts = np.bincount(ids, minlength=len(vocabulary)).astype(np.float64)
    x = neighbourhoods(ids, counts)
    y = predicted(x, counts, vocabulary)
    return (counts[:, None] * x + PRIOR * y) / (counts[:, None] + PRIOR)


def neighbourhoods(ids: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """x: the Hellinger embedding of neighbour counts on its principal axes, (V, AXES); 0 for absent tokens."""
    seen, table = neighbour_counts(ids, counts)
    share = table.sum(0) / table.sum()
    hellinger = np.sqrt((table + SHRINK * share) / (table.sum(1, keepdims=True) + SHRINK)) - np.sqrt(share)
    weighted = hellinger * np.sqrt(counts[seen])[:, None]
    _, axes = np.linalg.eigh(weighted.T @ weighted)
    embedded = np.zeros((len(counts), AXES))
    embedded[seen] = hellinger @ axes[:, -AXES:]
    return embedded


def neighbour_counts(ids: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The M ids that occur, and r: how often each has which neighbour, (M, 2 (NEIGHBOURS + 1)), left ones first."""
    n_vocab, bins = len(counts), NEIGHBOURS + 1
    bin_of = np.full(n_vocab, NEIGHBOURS)
    bin_of[np.argsort(-counts, kind="stable")[:NEIGHBOURS]] = np.arange(NEIGHBOURS)
    seen = np.flatnonzero(counts)
    row_of = np.zeros(n_vocab, dtype=np.int64)
    row_of[seen] = np.arange(len(seen))
    left = row_of[ids[1:]] * 2 * bins + bin_of[ids[:-1]]
    right = row_of[ids[:-1]] * 2 * bins + bins + bin_of[ids[1:]]
    table = np.bincount(np.concatenate([left, right]), minlength=len(seen) * 2 * bins)
    return seen, table.reshape(len(seen), 2 * bins)


def predicted(x: np.ndarray, counts: np.ndarray, vocabulary: list[bytes]) -> np.ndarray:
    """y: the ridge regression of x on surface marks, (V, AXES), for every token."""
    columns: dict[tuple, int] = {}
    pairs = [(i, columns.setdefault(m, len(columns))) for i, token in enumerate(vocabulary) for m in marks(token)]
    rows, cols = np.array(pairs).T
    shape = (len(vocabulary), len(columns))
    design = sparse.csr_matrix((np.ones(len(rows)), (rows, cols)), shape=shape)
    weight = np.sqrt(counts)
    normal = design.T @ sparse.diags(weight) @ design + sparse.eye(len(columns))
    right = design.T @ (weight[:, None] * x)
    return design @ np.stack([cg(normal, column, rtol=1e-3, maxiter=100)[0] for column in right.T], axis=1)
