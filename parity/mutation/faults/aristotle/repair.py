"""Faults in A14, the form persists: rows, averages, and the projection on a spectral ball."""

from __future__ import annotations

from functools import partial

from parity.mutation.planting import Fault, both

FORM, ROWS = "aristotle.repair", "common.repair"
Repair = partial(Fault, outside_training="repairs only")

FAULTS = (
    Repair("distance of the average", "measured how long the average is", ROWS, "repair: distance",
           **both("return self.length(w - a)", "return self.length(a)")),
    Repair("average that leaps", "stepped by the rate's complement from the wrong side", ROWS, "repair: follow",
           torch=("torch.lerp(a, w, self.rate)", "torch.lerp(a, w, 1.0)"),
           mlx=("a + self.rate * (w - a)", "a + (w - a)")),
    Repair("healthy rows replaced", "took the average where nothing is hurt", ROWS, "repair: restore",
           **both("hurt[..., None] != 0", "hurt[..., None] == 0")),
    Repair("restored without a ball", "forgot to project", ROWS, "repair: restore",
           torch=("return self.project(torch.where(hurt[..., None] != 0, a, w), a)",
                  "return torch.where(hurt[..., None] != 0, a, w)"),
           mlx=("return self.project(mx.where(hurt[..., None] != 0, a, w), a)",
                "return mx.where(hurt[..., None] != 0, a, w)")),
    Repair("Frobenius radius", "took the trace of the first Gram matrix alone", FORM, "repair: radius",
           **both("range(1, self.power + 1)", "range(0)")),
    Repair("one squaring too few", "stopped at half the exponent", FORM, "repair: radius",
           **both("range(1, self.power + 1)", "range(1, self.power)")),
    Repair("clipped from below", "turned the sign of W W^T - 1", FORM, "repair: clip",
           **both("return (w - s @ w + q + s @ q) / 2", "return (w + s @ w + q - s @ q) / 2")),
    Repair("orthogonal instead of clipped", "returned the polar factor", FORM, "repair: clip",
           **both("return (w - s @ w + q + s @ q) / 2", "return q")),
    Repair("few steps", "stopped before values near 1 had converged", FORM, "repair: clip",
           **both("range(self.steps)", "range(self.steps // 4)")),
    Repair("radius of the hurt matrix", "measured the radius on what is to be projected", FORM, "repair: restore",
           **both("self.radius(a)[:, None, None]", "self.radius(w)[:, None, None]")),
    Repair("radius not put back", "left the projected matrix at radius 1", FORM, "repair: restore",
           torch=("return radius * self.clip(w / torch", "return self.clip(w / torch"),
           mlx=("return radius * self.clip(w / mx", "return self.clip(w / mx")),
)  # fmt: skip
