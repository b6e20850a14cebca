"""E16, perpendiculars: pieces of the stream, and principal angles. Reference: `lyceum.personas.euclid.interpret`."""

from __future__ import annotations

import torch
from torch import Tensor

from lyceum.personas.euclid import interpret as reference
from lyceum.personas.euclid.interpret import READS
from lyceum.personas.euclid.interpret.gram_schmidt import NEAR, TINY
from torch_ref.common.lens import Lens
from torch_ref.registry import implements


def directions(vectors: Tensor) -> Tensor:
    """x (..., n, d) -> q, the same shape; 0 where a vector lies among those before it."""
    q = vectors[..., :0, :]
    for x in vectors.split(1, dim=-2):
        rest = x - x @ q.mT @ q
        rest = rest - rest @ q.mT @ q
        square = rest.square().sum(-1, keepdim=True)
        is_new = square > NEAR**2 * x.square().sum(-1, keepdim=True)
        q = torch.cat([q, torch.where(is_new, rest / square.clamp(min=TINY).sqrt(), 0.0)], dim=-2)
    return q


@implements(reference.Perpendiculars)
class Perpendiculars(Lens):
    """ids (B, T) -> the stream in pieces at right angles, and what they give to the logits of targets."""

    def triangle(self, vectors: Tensor) -> Tensor:
        """x (..., n, d) -> R (..., n, n)."""
        return (directions(vectors) @ vectors.mT).triu()

    def coordinates(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> R of what the sites write, (B, T, S, S)."""
        return self.triangle(self.outputs(ids))

    def pieces(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> c_k q_k, (B, T, S, d)."""
        outputs = self.outputs(ids)
        q = directions(outputs)
        return (q @ outputs.sum(-2)[..., None]) * q

    def contributions(self, ids: Tensor, targets: Tensor) -> Tensor:
        """ids, targets (B, T) -> what each piece, and last the base rate, gives to each logit, (B, T, S + 1, L)."""
        pieces = self.pieces(ids)
        vectors, constants = self.vocabulary.directions(targets)
        parts = self.norm.frozen(pieces.sum(-2), pieces)
        return torch.cat([parts @ vectors.mT, constants[..., None, :]], dim=-2)

    def cosines(self) -> Tensor:
        """Q_r Q_w^T of every plane that is read, in the order of `readers`, and written, of `writers`, (R, W, w, w)."""
        read, written = [], []
        for block in self.blocks:
            mixer, heads = block.mixer, getattr(block.mixer, "n_head", 0)
            if not heads:
                continue
            columns = mixer.out.weight.mT
            written.append(columns.unflatten(0, (heads, -1)))
            for name, roles in READS.items():
                if hasattr(mixer, name):
                    axes = torch.eye(columns.shape[1]).to(columns)
                    linear = block.norm1.frozen(axes[0], axes)
                    rows = getattr(mixer, name).weight[: len(roles) * len(axes)] @ linear.mT
                    read.append(rows.unflatten(0, (len(roles) * heads, -1)))
        read, written = (directions(torch.cat(planes)) for planes in (read, written))
        return read[:, None] @ written.mT
