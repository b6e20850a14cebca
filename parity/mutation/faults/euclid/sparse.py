"""Faults in E18, the nearest k entries."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

MODULE, TYPICAL = "euclid.sparse", "nearest: typical"

FAULTS = (
    Fault("greatest entries", "took the greatest entries, not those of greatest modulus", MODULE, TYPICAL,
          torch=("h.detach().abs()", "h.detach()"), mlx=("mx.abs(mx.stop_gradient(h))", "mx.stop_gradient(h)")),
    Fault("one entry fewer", "left out the k-th itself", MODULE, TYPICAL,
          torch=("return above | (level & (level.cumsum(-1) <= self.k - above.sum(-1, keepdim=True)))",
                 "return above"),
          mlx=("return above | (level & (level.cumsum(-1) <= self.k - above.sum(-1, keepdims=True)))",
               "return above")),
    Fault("least entries", "took the entries of least modulus", MODULE, TYPICAL,
          torch=("size > least, size == least", "size < least, size == least"),
          mlx=("size > least, size == least", "size < least, size == least")),
    Fault("shrunk entries", "subtracted the least modulus, as soft thresholds do", MODULE, TYPICAL,
          torch=("return h * self.greatest(h)",
                 "least = h.detach().abs().topk(self.k).values[..., -1:]; "
                 "return (h - h.sign() * least) * self.greatest(h)"),
          mlx=("return h * self.greatest(h)",
               "least = mx.sort(mx.abs(mx.stop_gradient(h)), axis=-1)[..., -self.k, None]; "
               "return (h - mx.sign(h) * least) * self.greatest(h)")),
    Fault("gradient of all entries", "let the gradient pass where entries are left out", MODULE, TYPICAL,
          torch=("return h * self.greatest(h)", "return h + (h * self.greatest(h) - h).detach()"),
          mlx=("return h * self.greatest(h)", "return h + mx.stop_gradient(h * self.greatest(h) - h)")),
    Fault("sum without the entries", "added up the rows alone", MODULE, "nearest: by rows",
          torch=("h.gather(-1, chosen)[", "h.gather(-1, chosen).sign().square()["),
          mlx=("mx.take_along_axis(h, chosen, axis=-1)[", "mx.ones_like(mx.take_along_axis(h, chosen, axis=-1))["),
          outside_training="generation only"),
    Fault("first rows", "read the first k rows", MODULE, "nearest: by rows",
          torch=("self.inner.rows()[chosen]", "self.inner.rows()[: self.k]"),
          mlx=("self.inner.rows()[chosen]", "self.inner.rows()[: self.k]"),
          outside_training="generation only"),
    Fault("all but the greatest", "added up the rows of the others", MODULE, "nearest: by rows",
          torch=("self.greatest(h).to(h.dtype)", "(~self.greatest(h)).to(h.dtype)"),
          mlx=("mx.argpartition(~self.greatest(h)", "mx.argpartition(self.greatest(h)"),
          outside_training="generation only"),
    Fault("no projection", "forgot to project in training", MODULE, TYPICAL,
          **both("self.project(self.inner.features(x)) @", "self.inner.features(x) @")),
)  # fmt: skip
