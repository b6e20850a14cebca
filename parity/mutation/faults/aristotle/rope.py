"""Faults in A5, the square of opposition."""

from __future__ import annotations

from parity.mutation.planting import Fault

ROPE = "aristotle.rope"

FAULTS = (
    Fault("inclusive count", "counted a sentence end at its position already", ROPE, "rope: rotation",
          torch=(" - ended]", "]"), mlx=(", inclusive=False", "")),
    Fault("turned backwards", "put the minus sign of J on the other half", ROPE, "rope: turn",
          torch=("[-sin, sin]", "[sin, -sin]"), mlx=("[-sin, sin]", "[sin, -sin]")),
    Fault("corners exchanged", "multiplied a by s and b by t", ROPE, "rope: turn",
          torch=("t * a + s * b", "t * b + s * a"), mlx=("t * a + s * b", "t * b + s * a")),
    Fault("sign on the cosine alone", "left chi out of the sine", ROPE, "rope: turn",
          torch=("chi * angle.sin()", "chi.abs() * angle.sin()"),
          mlx=("chi * mx.sin(angle)", "mx.abs(chi) * mx.sin(angle)")),
    Fault("counted from zero again", "began every piece of a text at position 0", ROPE, "rope: three tokens",
          outside_training="generation only",
          torch=("position[:, None] + self.positions", "0 * position[:, None] + self.positions"),
          mlx=("position[:, None] + self.positions", "0 * position[:, None] + self.positions")),
    Fault("end not counted", "left out a sentence end at the end of a piece", ROPE, "rope: three tokens",
          outside_training="generation only",
          torch=("return new[:, -1], x", "return new[:, -2] + new.new_tensor([1, 0]), x"),
          mlx=("return new[:, -1], x", "return new[:, -2] + mx.array([1, 0]), x")),
)
