"""Faults in E10, extreme and mean ratio."""

from __future__ import annotations

from parity.mutation.planting import Fault

SHARED, MODULE = "common.sampling", "euclid.sample"

FAULTS = (
    Fault("cells closed on the other side", "compared a cell's end with < for <=", SHARED, "section: cell",
          torch=("(cdf * width[..., None] <= (", "(cdf * width[..., None] < ("),
          mlx=("(cdf * width[..., None] <= (", "(cdf * width[..., None] < (")),
    Fault("one place too many", "took a width for the greatest point", SHARED, "section: cell",
          torch=("(cdf * width[..., None] <= (", "(cdf * (width[..., None] + 1) <= ("),
          mlx=("(cdf * width[..., None] <= (", "(cdf * (width[..., None] + 1) <= (")),
    Fault("a cell without its beginning", "took the weight before the token for the one up to it", SHARED,
          "section: cell",
          torch=("torch.cat([ids, before, last]", "torch.cat([ids, before, before]"),
          mlx=("ids.astype(mx.int64), before, last]", "ids.astype(mx.int64), before, before]")),
    Fault("a circle for an interval", "forgot that a code's width is its own", MODULE,
          "section: cell",
          torch=("return inverse_cdf(held, point, width)", "return inverse_cdf(held, point, 0 * width + 2**32)"),
          mlx=("return inverse_cdf(held, point, width)", "return inverse_cdf(held, point, 0 * width + 2**32)")),
    Fault("truncation forgotten", "cut by the whole softmax", MODULE, "section: truncated",
          torch=("return self.law.allowed(logits)", "return logits == logits"),
          mlx=("return self.law.allowed(logits)", "return logits == logits")),
    Fault("temperature forgotten", "weighed the raw logits", MODULE, "section: truncated",
          torch=("return self.law.tempered(logits)", "return logits"),
          mlx=("return self.law.tempered(logits)", "return logits")),
)
