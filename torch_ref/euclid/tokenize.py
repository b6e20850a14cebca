"""E8, division with remainder as embedding and output head. Reference: `lyceum.personas.euclid.tokenize`."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lyceum.personas.euclid import tokenize as reference
from torch_ref.registry import implements


def log_score(rows: Tensor, row: Tensor, among: Tensor, column: Tensor) -> Tensor:
    """log p(q) + log p(r | q), of the logits of rows and of columns, and the outcomes."""
    loss = F.cross_entropy(rows, row, reduction="none")
    return -(loss + F.cross_entropy(among, column, reduction="none"))


@implements(reference.Division)
class Division(nn.Module):
    """ids -> vectors, and vectors -> log probabilities, by sums of the vectors of remainders."""

    def __init__(self, n_embd: int, rank, base_row, base_column, within, moduli):
        super().__init__()
        self.rows, self.columns = base_column.shape
        sizes = (self.rows, self.columns, *moduli)
        self.embedding = nn.Parameter(torch.zeros(sum(sizes), n_embd))
        self.head = nn.Parameter(torch.zeros(sum(sizes), n_embd))
        # Where Q, R, M_1 .. M_k begin in a table, and the rows of a table for the remainders of every row's numbers.
        begins = torch.tensor((0, *np.cumsum(sizes)[:-1].tolist()))
        n = torch.arange(self.rows * self.columns).view(self.rows, 1, self.columns)
        left = n % torch.tensor(moduli)[:, None] + begins[2:, None]
        self.register_buffer("begins", begins, persistent=False)
        self.register_buffer("moduli", torch.tensor(moduli), persistent=False)
        self.register_buffer("left", left, persistent=False)
        self.register_buffer("rank", torch.from_numpy(rank).long(), persistent=False)
        self.register_buffer("base_row", torch.from_numpy(base_row), persistent=False)
        self.register_buffer("base_column", torch.from_numpy(base_column), persistent=False)
        self.register_buffer("within", torch.from_numpy(within), persistent=False)

    def remainders(self, ids: Tensor) -> Tensor:
        """ids (...) -> q, r, r_1 .. r_k, (..., 2 + k) integers."""
        n = self.rank[ids][..., None]
        return torch.cat([n // self.columns, n % self.columns, n % self.moduli], dim=-1)

    def embed(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> (B, T, n_embd)."""
        return F.embedding(self.remainders(ids) + self.begins, self.embedding).sum(-2)

    def log_prob(self, x: Tensor, targets: Tensor) -> Tensor:
        """x (..., n_embd), targets (...) -> (...), nats, over the rows and the target's row only."""
        return log_score(*self._levels(x, targets)).view(targets.shape)

    def proper_scores(self, x: Tensor, targets: Tensor) -> Tensor:
        """x (..., n_embd), targets (...) -> log p(target), and the cosines of p(q) and p(r | q), (..., 3)."""
        rows, row, among, column = self._levels(x, targets)
        # p_i / |p| is the root of softmax(2 z)_i, for the logits z of p.
        first = torch.exp(-F.cross_entropy(2 * rows, row, reduction="none") / 2)
        second = torch.exp(-F.cross_entropy(2 * among, column, reduction="none") / 2)
        return torch.stack([log_score(rows, row, among, column), first, second], dim=-1).view(*targets.shape, 3)

    def _levels(self, x: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """The logits of rows (N, rows), the targets' rows (N,), the logits of columns there, the targets' columns."""
        # One product scores all remainders; the score of a column is the sum over its remainders.
        scores, n = x.flatten(0, -2) @ self.head.T, self.rank[targets.flatten()]
        row, column = n // self.columns, n % self.columns
        left = self.left[row]
        others = scores.gather(1, left.flatten(1)).view(left.shape).sum(1)
        among = scores[:, self.rows : self.rows + self.columns] + others
        return scores[:, : self.rows] + self.base_row, row, among + self.base_column[row], column

    def log_probs(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> (..., V), nats, over all columns of all rows."""
        others = F.embedding(self.left, self.head).sum(1)
        vectors = self.head[self.rows : self.rows + self.columns] + others
        among = (x @ vectors.flatten(0, 1).T).unflatten(-1, self.base_column.shape) + self.base_column
        line = self._row(x)[..., None] + F.log_softmax(among, dim=-1)
        return line.flatten(-2)[..., self.rank]

    def directions(self, targets: Tensor) -> tuple[Tensor, Tensor]:
        """targets (...) -> vectors (..., 2, n_embd) and constants (..., 2): LOGITS are vector . x + constant."""
        index = self.remainders(targets)
        vectors = F.embedding(index + self.begins, self.head)
        constants = [self.base_row[index[..., 0]], self.base_column[index[..., 0], index[..., 1]]]
        vectors = torch.stack([vectors[..., 0, :], vectors[..., 1:, :].sum(-2)], dim=-2)
        return vectors, torch.stack(constants, dim=-1).to(vectors.dtype)

    def uncertainty(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> entropy of q; of w if r given q has base rates; greatest log p(q), (..., 3), nats."""
        row = self._row(x)
        share = row.exp()
        among = -(share * row).sum(-1)
        return torch.stack([among, among + share @ self.within, row.amax(-1)], dim=-1)

    def _row(self, x: Tensor) -> Tensor:
        return F.log_softmax(x @ self.head[: self.rows].T + self.base_row, dim=-1)
