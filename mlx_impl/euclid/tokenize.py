"""E8, division with remainder as embedding and output head. Reference: `lyceum.personas.euclid.tokenize`."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn

from lyceum.personas.euclid import tokenize as reference
from mlx_impl.registry import implements


def log_softmax(x: mx.array) -> mx.array:
    """Over the last axis. nn.log_softmax is compiled once for all shapes, and fails after an axis of one element."""
    return x - mx.logsumexp(x, axis=-1, keepdims=True)


def log_score(rows: mx.array, row: mx.array, among: mx.array, column: mx.array) -> mx.array:
    """log p(q) + log p(r | q), of the logits of rows and of columns, and the outcomes."""
    loss = nn.losses.cross_entropy(rows, row)
    return -(loss + nn.losses.cross_entropy(among, column))


@implements(reference.Division)
class Division(nn.Module):
    """ids -> vectors, and vectors -> log probabilities, by sums of the vectors of remainders."""

    def __init__(self, n_embd: int, rank, base_row, base_column, within, moduli):
        super().__init__()
        self.rows, self.columns = base_column.shape
        sizes = (self.rows, self.columns, *moduli)
        self.embedding = mx.zeros((sum(sizes), n_embd))
        self.head = mx.zeros((sum(sizes), n_embd))
        # Where Q, R, M_1 .. M_k begin in a table, and the rows of a table for the remainders of every row's numbers.
        # A leading underscore keeps an array out of the parameters.
        self._begins = mx.array((0, *np.cumsum(sizes)[:-1].tolist()), mx.int32)
        self._moduli = mx.array(moduli, mx.int32)
        n = mx.arange(self.rows * self.columns).reshape(self.rows, 1, self.columns)
        self._left = n % self._moduli[:, None] + self._begins[2:, None]
        self._rank = mx.array(rank)
        self._base_row = mx.array(base_row)
        self._base_column = mx.array(base_column)
        self._within = mx.array(within)

    def remainders(self, ids: mx.array) -> mx.array:
        """ids (...) -> q, r, r_1 .. r_k, (..., 2 + k) integers."""
        n = self._rank[ids][..., None]
        return mx.concatenate([n // self.columns, n % self.columns, n % self._moduli], axis=-1)

    def embed(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> (B, T, n_embd)."""
        return self.embedding[self.remainders(ids) + self._begins].sum(-2)

    def log_prob(self, x: mx.array, targets: mx.array) -> mx.array:
        """x (..., n_embd), targets (...) -> (...), nats, over the rows and the target's row only."""
        return log_score(*self._levels(x, targets)).reshape(targets.shape)

    def proper_scores(self, x: mx.array, targets: mx.array) -> mx.array:
        """x (..., n_embd), targets (...) -> log p(target), and the cosines of p(q) and p(r | q), (..., 3)."""
        rows, row, among, column = self._levels(x, targets)
        # p_i / |p| is the root of softmax(2 z)_i, for the logits z of p.
        first = mx.exp(-nn.losses.cross_entropy(2 * rows, row) / 2)
        second = mx.exp(-nn.losses.cross_entropy(2 * among, column) / 2)
        return mx.stack([log_score(rows, row, among, column), first, second], axis=-1).reshape(*targets.shape, 3)

    def _levels(self, x: mx.array, targets: mx.array) -> tuple[mx.array, ...]:
        """The logits of rows (N, rows), the targets' rows (N,), the logits of columns there, the targets' columns."""
        # One product scores all remainders; the score of a column is the sum over its remainders.
        scores, n = x.flatten(0, -2) @ self.head.T, self._rank[targets.flatten()]
        row, column = n // self.columns, n % self.columns
        left = self._left[row]
        others = mx.take_along_axis(scores, left.flatten(1), axis=1).reshape(left.shape).sum(1)
        among = scores[:, self.rows : self.rows + self.columns] + others
        return scores[:, : self.rows] + self._base_row, row, among + self._base_column[row], column

    def log_probs(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> (..., V), nats, over all columns of all rows."""
        others = self.head[self._left].sum(1)
        vectors = self.head[self.rows : self.rows + self.columns] + others
        among = mx.unflatten(x @ vectors.flatten(0, 1).T, -1, self._base_column.shape) + self._base_column
        line = self._row(x)[..., None] + log_softmax(among)
        return line.flatten(-2)[..., self._rank]

    def directions(self, targets: mx.array) -> tuple[mx.array, mx.array]:
        """targets (...) -> vectors (..., 2, n_embd) and constants (..., 2): LOGITS are vector . x + constant."""
        index = self.remainders(targets)
        vectors = self.head[index + self._begins]
        constants = [self._base_row[index[..., 0]], self._base_column[index[..., 0], index[..., 1]]]
        vectors = mx.stack([vectors[..., 0, :], vectors[..., 1:, :].sum(-2)], axis=-2)
        return vectors, mx.stack(constants, axis=-1).astype(vectors.dtype)

    def uncertainty(self, x: mx.array) -> mx.array:
        """x (..., n_embd) -> entropy of q; of w if r given q has base rates; greatest log p(q), (..., 3), nats."""
        row = self._row(x)
        share = mx.exp(row)
        among = -(share * row).sum(-1)
        return mx.stack([among, among + (share * self._within).sum(-1), row.max(-1)], axis=-1)

    def _row(self, x: mx.array) -> mx.array:
        return log_softmax(x @ self.head[: self.rows].T + self._base_row)
