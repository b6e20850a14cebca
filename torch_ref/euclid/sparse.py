"""E18, the nearest k entries. Reference: `lyceum.personas.euclid.sparse`."""

from __future__ import annotations

from torch import Tensor, nn

from lyceum.personas.euclid import sparse as reference
from torch_ref.registry import build, implements


@implements(reference.SparsePerceptron)
class SparsePerceptron(nn.Module):
    """x (..., n_embd) -> the same shape. In evaluation mode a few tokens are computed by their k rows."""

    def __init__(self, inner, k: int):
        super().__init__()
        self.inner, self.k = build(inner), k

    def greatest(self, h: Tensor) -> Tensor:
        """(..., n) -> which entries are the k of greatest modulus, of equal ones the first."""
        size = h.detach().abs()
        least = size.topk(self.k).values[..., -1:]
        above, level = size > least, size == least
        return above | (level & (level.cumsum(-1) <= self.k - above.sum(-1, keepdim=True)))

    def project(self, h: Tensor) -> Tensor:
        """h (..., n) -> P(h), the same shape."""
        return h * self.greatest(h)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training and self.k * x.numel() < self.inner.rows().numel():
            return self.by_rows(x)
        return self.project(self.inner.features(x)) @ self.inner.rows()

    def by_rows(self, x: Tensor) -> Tensor:
        """x (..., n_embd) -> the same, by k rows for each token."""
        h = self.inner.features(x)
        chosen = self.greatest(h).to(h.dtype).topk(self.k).indices
        return (h.gather(-1, chosen)[..., None, :] @ self.inner.rows()[chosen]).squeeze(-2)
