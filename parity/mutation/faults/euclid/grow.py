"""Faults in E11, the gnomon."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "euclid.grow"
OUTSIDE = "acts between two steps"

FAULTS = (
    Fault("a border that writes", "drew the rows that write like the others", MODULE, "gnomon: rows that write",
          outside_training=OUTSIDE,
          torch=("drawn = drawn.masked_fill(writes.view(shape), 0)", "pass"),
          mlx=("drawn = mx.where(writes.reshape(shape), 0, drawn)", "pass")),
    Fault("nothing free", "left the border at 0, where no gradient reaches it", MODULE, "gnomon: parts",
          outside_training=OUTSIDE,
          torch=("torch.where(inside, old, drawn)", "torch.where(inside, old, 0 * drawn)"),
          mlx=("mx.where(inside, old, drawn)", "mx.where(inside, old, 0 * drawn)")),
    Fault("one border for all parts", "put queries, keys and values one below the other", MODULE, "gnomon: parts",
          outside_training=OUTSIDE,
          torch=("source.clamp(min=0)", "source.clamp(min=0).sort()[0]"),
          mlx=("mx.maximum(source, 0)", "mx.sort(mx.maximum(source, 0))")),
    Fault("writers of another axis", "made columns 0 for rows", MODULE, "gnomon: columns that write",
          outside_training=OUTSIDE,
          torch=("if i == axis:", "if i == 1 - axis:"), mlx=("if i == axis:", "if i == 1 - axis:")),
)  # fmt: skip
