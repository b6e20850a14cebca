"""Faults in E16, perpendiculars, and in what other layers offer to it."""

from __future__ import annotations

from functools import partial

from parity.mutation.planting import Fault, both

MODULE, NORM, LINE = "euclid.interpret", "euclid.norm", "euclid.tokenize"
Unseen = partial(Fault, outside_training="interpretation only")

FAULTS = (
    Unseen("lines not of length 1", "forgot to divide by the length", MODULE, "pieces: triangle",
           torch=("rest / square.clamp(min=TINY).sqrt()", "rest"),
           mlx=("rest / mx.sqrt(mx.maximum(square, TINY))", "rest")),
    Unseen("divided by the square", "forgot the root", MODULE, "pieces: triangle",
           torch=("square.clamp(min=TINY).sqrt()", "square.clamp(min=TINY)"),
           mlx=("mx.sqrt(mx.maximum(square, TINY))", "mx.maximum(square, TINY)")),
    Unseen("perpendicular to the latest alone", "projected off the latest line", MODULE, "pieces: triangle",
           torch=("rest = x - x @ q.mT @ q\n        rest = rest - rest @ q.mT @ q",
                  "rest = x - x @ q[..., -1:, :].mT @ q[..., -1:, :]"),
           mlx=("rest = x - x @ q.swapaxes(-1, -2) @ q\n        rest = rest - rest @ q.swapaxes(-1, -2) @ q",
                "rest = x - x @ q[..., -1:, :].swapaxes(-1, -2) @ q[..., -1:, :]")),
    Unseen("pieces of the last layer", "took what the last layer wrote for the stream", MODULE, "pieces: pieces",
           **both("outputs.sum(-2)[..., None]", "outputs[..., -1, :, None]")),
    Unseen("pieces without direction", "returned lengths along every axis", MODULE, "pieces: pieces",
           **both("[..., None]) * q", "[..., None]) * (0 * q + 1)")),
    Unseen("base rate left out of pieces", "added up the pieces alone", MODULE, "pieces: contributions",
           **both("constants[..., None, :]", "0 * constants[..., None, :]")),
    Unseen("reads columns", "took the columns of a projection for its rows", MODULE, "pieces: cosines",
           torch=("rows = getattr(mixer, name).weight[: len(roles) * len(axes)]",
                  "rows = getattr(mixer, name).weight.mT.reshape(-1, len(axes))[: len(roles) * len(axes)]"),
           mlx=("rows = getattr(mixer, name).weight[: len(roles) * len(axes)]",
                "rows = getattr(mixer, name).weight.T.reshape(-1, len(axes))[: len(roles) * len(axes)]")),
    Unseen("writes rows", "took the rows of the output projection for its columns", MODULE, "pieces: cosines",
           torch=("columns = mixer.out.weight.mT", "columns = mixer.out.weight"),
           mlx=("columns = mixer.out.weight.T", "columns = mixer.out.weight")),
    Unseen("reads before the norm", "forgot what the norm does to a plane", MODULE,
           "pieces: cosines, through a layer norm",
           torch=("block.norm1.frozen(axes[0], axes)", "axes"), mlx=("block.norm1.frozen(axes[0], axes)", "axes")),
    Unseen("frozen without radius", "forgot the radius", NORM, "pieces: contributions",
           **both("self.radius * terms", "terms")),
    Unseen("remainders alone", "left out the vector of the column", LINE, "pieces: contributions",
           **both("vectors[..., 1:, :]", "vectors[..., 2:, :]")),
    Unseen("first row's base rates", "took the base rates of the first row", LINE, "pieces: contributions",
           torch=("self.base_column[index[..., 0], index[..., 1]]", "self.base_column[0, index[..., 1]]"),
           mlx=("self._base_column[index[..., 0], index[..., 1]]", "self._base_column[0, index[..., 1]]")),
)  # fmt: skip
