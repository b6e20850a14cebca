"""The vocabulary on one line, so that tokens of like use have near numbers. From the training split alone.

Rows of C tokens follow one another on the line; the head distinguishes rows first. Three steps.

Cut. The tokens are cut along the principal axis of their coordinates (`lyceum.personas.tokens.neighbours`: distribution
and surface form), the halves again, down to single rows. Tokens that occur in training are cut where their weight
sqrt(count) halves, so that every row has a share of the common ones; tokens that do not occur fill up both sides, in
the same order. Projections are rounded to six digits before sorting; ties break by id.

Exchange. With t_wb the counts of the neighbours b of w, left and right apart, and t_qb their sums over the row q, every
token that occurs goes to the row that best predicts its neighbours,

    argmax_q sum_b t_wb log p(b | q),     p(b | q) proportional to t_qb + 250 t_b / t,

all at once, twelve times over (the k-means of relative entropy). A row that would hold more than C tokens sends those
that lose least to the best row that has space. Without smoothing no exchange lowers sum_w t_w KL(p(. | w) | p(. | q)).

Order. Within a row by base rate, the likeliest first: so the first columns hold the common tokens of every row, and
have the remainders near 0.

Measured as in `lyceum.personas.euclid.tokenize`, with two moduli: cuts alone 5.392 nats, by count^(3/4) or count
instead of its root 5.406 and 5.419; with exchanges 5.362. Surface classes as further neighbours changed nothing
(+0.003).

Sources: Petrie 1899 (seriation); Dhillon, Mallela, Kumar 2003 (clustering by relative entropy). Cost: three seconds.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from lyceum.personas.tokens.neighbours import coordinates, neighbour_counts

SMOOTH, EXCHANGES = 250.0, 12


def seriate(ids: np.ndarray, vocabulary: list[bytes], rates: np.ndarray, width: int) -> np.ndarray:
    """The rank of every id on the line, (V,) int64, for rows of `width`. ids: the training split; rates (V,)."""
    counts = np.bincount(ids, minlength=len(vocabulary))
    rows = cut(np.arange(len(counts)), coordinates(ids, vocabulary), counts, width)
    line, space = np.concatenate(rows), np.array([len(row) for row in rows])
    row = np.empty(len(line), np.int64)
    row[line] = np.repeat(np.arange(len(rows)), space)
    seen, table = neighbour_counts(ids, counts)
    row[seen] = exchanged(row[seen], table, space)
    # The other tokens fill the free space, in the order of the line.
    new = line[counts[line] == 0]
    row[new] = np.repeat(np.arange(len(rows)), space - np.bincount(row[seen], minlength=len(rows)))
    rank = np.empty_like(row)
    rank[np.lexsort((np.arange(len(row)), -rates, row))] = np.arange(len(row))
    return rank


def cut(group: np.ndarray, vectors: np.ndarray, counts: np.ndarray, width: int) -> list[np.ndarray]:
    """The ids of `group` as rows of `width`, in order; the last may be shorter. vectors (V, k), counts (V,)."""
    rows = -(-len(group) // width)
    if rows == 1:
        return [group]
    half = (rows + 1) // 2 * width
    order = group[np.argsort(_along_axis(vectors[group], np.sqrt(counts[group]) + 0.1), kind="stable")]
    seen, new = order[counts[order] > 0], order[counts[order] == 0]
    weight = np.cumsum(np.sqrt(counts[seen]))
    # The cut divides the weight as the rows, as far as both sides have space.
    middle = int(np.searchsorted(weight, weight[-1] * (rows + 1) // 2 / rows)) if len(seen) else 0
    middle = min(max(middle, len(seen) - (len(group) - half)), half)
    low = np.concatenate([seen[:middle], new[: half - middle]])
    high = np.concatenate([seen[middle:], new[half - middle :]])
    return cut(low, vectors, counts, width) + cut(high, vectors, counts, width)


def _along_axis(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    centred = x - np.average(x, axis=0, weights=weight)
    _, axes = np.linalg.eigh((centred * weight[:, None]).T @ centred)
    return np.round(centred @ (axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])), 6)


def exchanged(row: np.ndarray, table: np.ndarray, space: np.ndarray) -> np.ndarray:
    """Better rows (M,) for tokens with counts `table` (M, bins) in rows `row` (M,); at most space[q] in row q."""
    usual, counts = SMOOTH * table.sum(0) / table.sum(), sparse.csr_matrix(table, dtype=np.float64)
    for _ in range(EXCHANGES):
        member = sparse.csr_matrix((np.ones(len(row)), (row, np.arange(len(row)))), shape=(len(space), len(row)))
        sums = (member @ counts).toarray() + usual
        # A neighbour without any count has weight 0.
        row = _within_space(counts @ np.log(np.where(sums > 0, sums / sums.sum(1, keepdims=True), 1)).T, space)
    return row


def _within_space(score: np.ndarray, space: np.ndarray) -> np.ndarray:
    """The row of greatest score (M, rows) for each token, at most space[q] in row q. Overwrites `score`."""
    row = score.argmax(1)
    while len(over := np.flatnonzero(np.bincount(row, minlength=len(space)) > space)):
        for q in over:
            inside = np.flatnonzero(row == q)
            stays = score[inside, q]
            score[:, q] = -np.inf  # full for the tokens that must leave
            leaves = inside[np.argsort(stays - score[inside].max(1), kind="stable")[: len(inside) - space[q]]]
            row[leaves] = score[leaves].argmax(1)
    return row
