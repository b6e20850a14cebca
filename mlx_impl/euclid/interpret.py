"""E16, perpendiculars: pieces of the stream, and principal angles. Reference: `lyceum.personas.euclid.interpret`."""

from __future__ import annotations

import mlx.core as mx

from lyceum.personas.euclid import interpret as reference
from lyceum.personas.euclid.interpret import READS
from lyceum.personas.euclid.interpret.gram_schmidt import NEAR, TINY
from mlx_impl.common.lens import Lens
from mlx_impl.registry import implements


def directions(vectors: mx.array) -> mx.array:
    """x (..., n, d) -> q, the same shape; 0 where a vector lies among those before it."""
    q = mx.zeros_like(vectors[..., :1, :])  # MLX multiplies no matrix without rows: the first is left out at the end
    for x in mx.split(vectors, vectors.shape[-2], axis=-2):
        rest = x - x @ q.swapaxes(-1, -2) @ q
        rest = rest - rest @ q.swapaxes(-1, -2) @ q
        square = mx.square(rest).sum(-1, keepdims=True)
        is_new = square > NEAR**2 * mx.square(x).sum(-1, keepdims=True)
        q = mx.concatenate([q, mx.where(is_new, rest / mx.sqrt(mx.maximum(square, TINY)), 0.0)], axis=-2)
    return q[..., 1:, :]


@implements(reference.Perpendiculars)
class Perpendiculars(Lens):
    """ids (B, T) -> the stream in pieces at right angles, and what they give to the logits of targets."""

    def triangle(self, vectors: mx.array) -> mx.array:
        """x (..., n, d) -> R (..., n, n)."""
        return mx.triu(directions(vectors) @ vectors.swapaxes(-1, -2))

    def coordinates(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> R of what the sites write, (B, T, S, S)."""
        return self.triangle(self.outputs(ids))

    def pieces(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> c_k q_k, (B, T, S, d)."""
        outputs = self.outputs(ids)
        q = directions(outputs)
        return (q @ outputs.sum(-2)[..., None]) * q

    def contributions(self, ids: mx.array, targets: mx.array) -> mx.array:
        """ids, targets (B, T) -> what each piece, and last the base rate, gives to each logit, (B, T, S + 1, L)."""
        pieces = self.pieces(ids)
        vectors, constants = self.vocabulary.directions(targets)
        parts = self.norm.frozen(pieces.sum(-2), pieces)
        return mx.concatenate([parts @ vectors.swapaxes(-1, -2), constants[..., None, :]], axis=-2)

    def cosines(self) -> mx.array:
        """Q_r Q_w^T of every plane that is read, in the order of `readers`, and written, of `writers`, (R, W, w, w)."""
        read, written = [], []
        for block in self.blocks:
            mixer, heads = block.mixer, getattr(block.mixer, "n_head", 0)
            if not heads:
                continue
            columns = mixer.out.weight.T
            written.append(mx.unflatten(columns, 0, (heads, -1)))
            for name, roles in READS.items():
                if hasattr(mixer, name):
                    axes = mx.eye(columns.shape[1], dtype=columns.dtype)
                    linear = block.norm1.frozen(axes[0], axes)
                    rows = getattr(mixer, name).weight[: len(roles) * len(axes)] @ linear.T
                    read.append(mx.unflatten(rows, 0, (len(roles) * heads, -1)))
        read, written = (directions(mx.concatenate(planes)) for planes in (read, written))
        return read[:, None] @ written.swapaxes(-1, -2)
