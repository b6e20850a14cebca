"""Planted faults: tokens sorted into blocks."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "common.dispatch"

FAULTS = (
    Fault("blocks not rounded up", "began each expert's rows where the last one's tokens end", MODULE, "moe: typical",
          torch=("(ends - filled) * width", "(rank[-1].cumsum(0) - rank[-1])"),
          mlx=("(ends - filled) * width", "(rank[-1].cumsum(0) - rank[-1])")),
    Fault("block of another expert", "gave an expert the block after its last", MODULE, "moe: typical",
          torch=("(block[:, None] >= ends[:-1])", "(block[:, None] > ends[:-1])"),
          mlx=("(block[:, None] >= ends[:-1])", "(block[:, None] > ends[:-1])")),
)  # fmt: skip
