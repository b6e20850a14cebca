"""Faults in E14, the nearest perpendicular frame: feet, frames, motions, and which rows get which."""

from __future__ import annotations

from functools import partial

from parity.mutation.planting import Fault, both

FRAME = "euclid.repair"
Repair = partial(Fault, module=FRAME, outside_training="repairs only")

FAULTS = (
    Repair("foot on the average's line", "projected the row on the average", check="superposition: foot",
           **both("square) * w", "square) * a")),
    Repair("foot of a unit", "did not divide by the square of the line", check="superposition: foot",
           torch=("torch.where(square == 0, 1, square)", "square.sqrt()"),
           mlx=("mx.where(square == 0, 1, square)", "square.sqrt()")),
    Repair("Muon's coefficients", "took the fast iteration, which does not converge", check="superposition: frame",
           **both("newton_schulz(m, self.quintic, self.steps)",
                  "newton_schulz(m, (3.4445, -4.7750, 2.0315), self.steps)")),
    Repair("frame after few steps", "stopped before it had converged", check="superposition: frame",
           **both("newton_schulz(m, self.quintic, self.steps)", "newton_schulz(m, self.quintic, 2)")),
    Repair("the way back", "transposed the motion", check="superposition: motion",
           torch=("torch.where(there, a, 0).mT @ torch.where(there, w, 0)",
                  "torch.where(there, w, 0).mT @ torch.where(there, a, 0)"),
           mlx=("mx.where(there, a, 0).swapaxes(1, 2) @ mx.where(there, w, 0)",
                "mx.where(there, w, 0).swapaxes(1, 2) @ mx.where(there, a, 0)")),
    Repair("motion of the lost", "took the motion from the rows that are lost", check="superposition: motion",
           **both("lost[..., None] == 0", "lost[..., None] != 0")),
    Repair("free motion", "forgot what holds it to 1", check="superposition: motion",
           **both("stiff = self.stiff *", "stiff = 0 *")),
    Repair("stiff by the mean square", "took the mean over the rows for their sum", check="superposition: motion",
           **both("(a * a).sum(1).mean(-1)", "(a * a).mean(1).mean(-1)")),
    Repair("near all lines", "let no row be lost", check="superposition: restore",
           **both("near = self.length(a - foot) <= self.near * self.length(a)",
                  "near = self.length(a - foot) <= 9 * self.length(a)")),
    Repair("no line at all", "lost every hurt row", check="superposition: restore",
           **both("near = self.length(a - foot) <= self.near * self.length(a)",
                  "near = self.length(a - foot) < 0 * self.length(a)")),
    Repair("lost rows stay behind", "did not carry them", check="superposition: restore",
           **both("a @ self.motion(w, a, lost), w)", "a, w)")),
    Repair("feet for healthy rows", "moved rows that are not hurt", check="superposition: restore",
           **both("((hurt != 0) & near)[..., None]", "near[..., None]")),
)  # fmt: skip
