"""Faults in A4, genus and species."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "aristotle.quantize"

FAULTS = (
    Fault("cells of mid-tread", "decoded a cell to its edge, not to its middle", MODULE, "quantize",
          torch=("codes[:, 1:].to(h.dtype) - self.half + self.middle", "codes[:, 1:].to(h.dtype) - self.half"),
          mlx=("codes[:, 1:].astype(h.dtype) - self.half + self.middle", "codes[:, 1:].astype(h.dtype) - self.half")),
    Fault("nearest cell by rounding", "rounded instead of taking the floor", MODULE, "quantize",
          torch=("(away / h).floor()", "(away / h).round()"), mlx=("mx.floor(away / h)", "mx.round(away / h)")),
    Fault("cells twice as wide", "divided the radius, not the box, by 2^b", MODULE, "quantize: decode",
          torch=("(self.radii * 2.0 ** (1 - self.bits))[genus, None]", "(self.radii * 2.0**-self.bits)[genus, None]"),
          mlx=("(self._radii * 2.0 ** (1 - self.bits))[genus][:", "(self._radii * 2.0**-self.bits)[genus][:")),
    Fault("nearest centre", "chose the genus by its centre, not by the decoded point", MODULE, "quantize: encode",
          torch=("error = w[:, None] - (self.centres + (cell + self.middle) * h)", "error = away"),
          mlx=("error = w[:, None] - (self._centres + (cell + self.middle) * h)", "error = away")),
    Fault("box of the mean", "tested whether a block is in the box by its mean deviation", MODULE, "quantize: encode",
          torch=("away.abs().amax(-1)", "away.abs().mean(-1)"), mlx=("mx.abs(away).max(-1)", "mx.abs(away).mean(-1)")),
)  # fmt: skip
