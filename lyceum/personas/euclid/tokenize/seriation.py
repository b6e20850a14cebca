"""The vocabulary on one line, so that what is near in use is near in number. From the training split alone.

Rows of C places follow one another on the line; a row is what the head distinguishes first. Three steps.

Cut. The tokens are cut along the principal axis of their places (`lyceum.personas.tokens.neighbours`: distribution and surface
form), the halves again, down to single rows. Tokens met in training are cut where their weight sqrt(count) halves, so
that every row has a share of what is common; tokens never met fill both sides up, in the same order. Projections are
rounded to six digits before sorting, ties break by id.

Exchange. With t_wb the counts of the neighbours b of w, left and right apart, and t_qb their sums over the row q, every
token met goes to the row that best foretells its neighbours,

    argmax_q sum_b t_wb log p(b | q),     p(b | q) proportional to t_qb + 250 t_b / t,

all at once, twelve times over (the k-means of relative entropy). A row that would hold more than C tokens sends those
that lose least to the best row that has layer. Without smoothing no exchange lowers sum_w t_w KL(p(. | w) | p(. | q)).

Order. Within a row by base rate, the likeliest first: so the first columns hold what is common in every row, and
small remainders on C belong to it.

Measured as in `lyceum.personas.euclid.tokenize`, with two moduli: cuts alone 5.392 nats, by count^(3/4) or count instead of
its root 5.406 and 5.419; with exchanges 5.362. Surface classes as further neighbours changed nothing (+0.003).

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
    line, layer = np.concatenate(rows), np.array([len(row) for row in rows])
    row = np.empty(len(line), np.int64)
    row[line] = np.repeat(np.arange(len(rows)), layer)
    met, table = neighbour_counts(ids, counts)
    row[met] = exchanged(row[met], table, layer)
    # What was never met moves up, in the line's order, to where there is space.
    new = line[counts[line] == 0]
    row[new] = np.repeat(np.arange(len(rows)), layer - np.bincount(row[met], minlength=len(rows)))
    rank = np.empty_like(row)
    rank[np.lexsort((np.arange(len(row)), -rates, row))] = np.arange(len(row))
    return rank


def cut(group: np.ndarray, places: np.ndarray, counts: np.ndarray, width: int) -> list[np.ndarray]:
    """The ids of `group` as rows of `width`, in order; the last may be shorter. places (V, k), counts (V,)."""
    rows = -(-len(group) // width)
    if rows == 1:
        return [group]
    layer = (rows + 1) // 2 * width
    order = group[np.argsort(_along_axis(places[group], np.sqrt(counts[group]) + 0.1), kind="stable")]
    met, new = order[counts[order] > 0], order[counts[order] == 0]
    weight = np.cumsum(np.sqrt(counts[met]))
    # Where the weight is in proportion to the rows, as far as there is space on both sides.
    middle = int(np.searchsorted(weight, weight[-1] * (rows + 1) // 2 / rows)) if len(met) else 0
    middle = min(max(middle, len(met) - (len(group) - layer)), layer)
    low = np.concatenate([met[:middle], new[: layer - middle]])
    high = np.concatenate([met[middle:], new[layer - middle :]])
    return cut(low, places, counts, width) + cut(high, places, counts, width)


def _along_axis(places: np.ndarray, weight: np.ndarray) -> np.ndarray:
    centred = places - np.average(places, axis=0, weights=weight)
    _, axes = np.linalg.eigh((centred * weight[:, None]).T @ centred)
    return np.round(centred @ (axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])), 6)


def exchanged(row: np.ndarray, table: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """Better rows for tokens with counts `table` (M, bins) that stand in `row` (M,); at most layer[q] in row q."""
    usual, counts = SMOOTH * table.sum(0) / table.sum(), sparse.csr_matrix(table, dtype=np.float64)
    for _ in range(EXCHANGES):
        member = sparse.csr_matrix((np.ones(len(row)), (row, np.arange(len(row)))), shape=(len(layer), len(row)))
        sums = (member @ counts).toarray() + usual
        # A neighbour that nothing has, counts for nothing.
        row = _with_layer(counts @ np.log(np.where(sums > 0, sums / sums.sum(1, keepdims=True), 1)).T, layer)
    return row


def _with_layer(score: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """The row of greatest score (M, rows) for each, but at most layer[q] in row q. Uses `score` up."""
    row = score.argmax(1)
    while len(over := np.flatnonzero(np.bincount(row, minlength=len(layer)) > layer)):
        for q in over:
            inside = np.flatnonzero(row == q)
            stays = score[inside, q]
            score[:, q] = -np.inf  # full, for whoever must look elsewhere
            leaves = inside[np.argsort(stays - score[inside].max(1), kind="stable")[: len(inside) - layer[q]]]
            row[leaves] = score[leaves].argmax(1)
    return row
