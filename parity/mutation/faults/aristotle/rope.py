"""Faults in A5, the square of opposition."""

from __future__ import annotations

from parity.mutation.planting import Fault

ROPE = "aristotle.rope"

FAULTS = (
    Fault("inclusive count", "counted a sentence end at its own place", ROPE, "rope: rotation",
          torch=(" - ended]", "]"), mlx=(", inclusive=False", "")),
    Fault("turned backwards", "put the sign of J on the other half", ROPE, "rope: turn",
          torch=("[-sin, sin]", "[sin, -sin]"), mlx=("[-sin, sin]", "[sin, -sin]")),
    Fault("corners exchanged", "let a sign the sentences and b the places", ROPE, "rope: turn",
          torch=("t * a + s * b", "t * b + s * a"), mlx=("t * a + s * b", "t * b + s * a")),
    Fault("sign on the cosine alone", "forgot chi on the sine", ROPE, "rope: turn",
          torch=("chi * angle.sin()", "chi.abs() * angle.sin()"),
          mlx=("chi * mx.sin(angle)", "mx.abs(chi) * mx.sin(angle)")),
    Fault("counted from zero again", "let a piece of a text begin at the first place", ROPE, "rope: three tokens",
          torch=("place[:, None] + self.places", "0 * place[:, None] + self.places"),
          mlx=("place[:, None] + self.places", "0 * place[:, None] + self.places")),
    Fault("end not counted", "forgot that the last token of a piece may end a sentence", ROPE, "rope: three tokens",
          torch=("return new[:, -1], x", "return new[:, -2] + new.new_tensor([1, 0]), x"),
          mlx=("return new[:, -1], x", "return new[:, -2] + mx.array([1, 0]), x")),
)
