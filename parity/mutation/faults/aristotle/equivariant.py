"""Faults in A20, the figure."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "aristotle.equivariant"

FAULTS = (
    Fault("conjugate weight", "took the weight's conjugate", MODULE, "complex linear: typical",
          torch=("torch.cat([real, -imaginary], 1), torch.cat([imaginary, real], 1)",
                 "torch.cat([real, imaginary], 1), torch.cat([-imaginary, real], 1)"),
          mlx=("mx.concatenate([real, -imaginary], 1), mx.concatenate([imaginary, real], 1)",
               "mx.concatenate([real, imaginary], 1), mx.concatenate([-imaginary, real], 1)")),
    Fault("imaginary rows not turned", "used the real parts for both rows", MODULE, "complex linear: typical",
          torch=("torch.cat([imaginary, real], 1)", "torch.cat([imaginary, imaginary], 1)"),
          mlx=("mx.concatenate([imaginary, real], 1)", "mx.concatenate([imaginary, imaginary], 1)")),
    Fault("channels interleaved", "took real and imaginary parts by turns", MODULE, "complex perceptron: typical",
          torch=("a_real, b_real, a_imaginary, b_imaginary = self", "a_real, a_imaginary, b_real, b_imaginary = self"),
          mlx=("a_real, b_real, a_imaginary, b_imaginary = self", "a_real, a_imaginary, b_real, b_imaginary = self")),
    Fault("gate reads a phase", "let the gate read the real part alone", MODULE, "complex perceptron: typical",
          torch=("a_real.square() + a_imaginary.square()", "a_real.square()"),
          mlx=("mx.square(a_real) + mx.square(a_imaginary)", "mx.square(a_real)")),
    Fault("modulus for its square", "gated by the modulus", MODULE, "complex perceptron: typical",
          torch=("a_real.square() + a_imaginary.square()", "(a_real.square() + a_imaginary.square() + 1e-12).sqrt()"),
          mlx=("mx.square(a_real) + mx.square(a_imaginary)",
               "mx.sqrt(mx.square(a_real) + mx.square(a_imaginary) + 1e-12)")),
    Fault("imaginary part not gated", "gated the real part alone", MODULE, "complex perceptron: typical",
          torch=("gate * b_real, gate * b_imaginary", "gate * b_real, b_imaginary"),
          mlx=("gate * b_real, gate * b_imaginary", "gate * b_real, b_imaginary")),
    Fault("threshold added", "added the threshold", MODULE, "complex perceptron: typical",
          torch=("- self.threshold", "+ self.threshold"), mlx=("- self.threshold", "+ self.threshold")),
)  # fmt: skip
