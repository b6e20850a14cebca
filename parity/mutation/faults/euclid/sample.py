"""Faults in E10, extreme and mean ratio."""

from __future__ import annotations

from parity.mutation.planting import Fault

SHARED, MODULE = "common.sampling", "euclid.sample"

FAULTS = (
    Fault("cells closed on the other side", "compared a cell's end with < for <=", SHARED, "section: cell",
          outside_training="generation only",
          torch=("(cdf * width[..., None] <= (", "(cdf * width[..., None] < ("),
          mlx=("(cdf * width[..., None] <= (", "(cdf * width[..., None] < (")),
    Fault("one point too many", "took a width for the greatest point", SHARED, "section: cell",
          outside_training="generation only",
          torch=("(cdf * width[..., None] <= (", "(cdf * (width[..., None] + 1) <= ("),
          mlx=("(cdf * width[..., None] <= (", "(cdf * (width[..., None] + 1) <= (")),
    Fault("a cell without its beginning", "took the weight before the token for the one up to it", SHARED,
          "section: cell",
          outside_training="generation only",
          torch=("torch.cat([ids, before, last]", "torch.cat([ids, before, before]"),
          mlx=("ids.astype(mx.int64), before, last]", "ids.astype(mx.int64), before, before]")),
    Fault("a circle for an interval", "took 2^32 for the width of every code", MODULE, "section: cell",
          torch=("return inverse_cdf(weight, point, width)", "return inverse_cdf(weight, point, 0 * width + 2**32)"),
          mlx=("return inverse_cdf(weight, point, width)", "return inverse_cdf(weight, point, 0 * width + 2**32)")),
    Fault("truncation forgotten", "drew from the full softmax", MODULE, "section: truncated",
          torch=("return self.law.allowed(logits)", "return logits == logits"),
          mlx=("return self.law.allowed(logits)", "return logits == logits")),
    Fault("temperature forgotten", "computed weights from the raw logits", MODULE, "section: truncated",
          torch=("return self.law.tempered(logits)", "return logits"),
          mlx=("return self.law.tempered(logits)", "return logits")),
)
