"""Faults in E15, equiangular lines."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

MODULE = "euclid.superpose"

FAULTS = (
    Fault("q-gon of half the size", "forgot that a square and its negative are two", MODULE, "equiangular: typical",
          torch=("2 * angle.cos(), 2 * angle.sin()", "angle.cos(), angle.sin()"),
          mlx=("2 * mx.cos(angle), 2 * mx.sin(angle)", "mx.cos(angle), mx.sin(angle)")),
    Fault("lines not of length 1", "divided by q, not by its root", MODULE, "equiangular: typical",
          **both("q**-0.5", "1 / q")),
    Fault("half of the planes mirrored", "turned sine and cosine about", MODULE, "equiangular: typical",
          torch=("2 * angle.cos(), 2 * angle.sin()", "2 * angle.sin(), 2 * angle.cos()"),
          mlx=("2 * mx.cos(angle), 2 * mx.sin(angle)", "2 * mx.sin(angle), 2 * mx.cos(angle)")),
    Fault("the top line last", "put the top behind the q-gon", MODULE, "equiangular: typical",
          torch=("[first, F.pad(lines, (0, self.n_embd - lines.shape[1]))]",
                 "[F.pad(lines, (0, self.n_embd - lines.shape[1])), first]"),
          mlx=("[first, mx.pad(lines, ((0, 0), (0, self.n_embd - lines.shape[1])))]",
               "[mx.pad(lines, ((0, 0), (0, self.n_embd - lines.shape[1]))), first]")),
    Fault("threshold as a bias", "added the threshold", MODULE, "equiangular: typical",
          **both("- self.threshold)", "+ self.threshold)")),
    Fault("threshold behind the relu", "subtracted the threshold from what passed", MODULE, "equiangular: typical",
          torch=("F.relu(x @ self.frame().T - self.threshold)", "F.relu(x @ self.frame().T) - self.threshold"),
          mlx=("nn.relu(x @ self.frame().T - self.threshold)", "nn.relu(x @ self.frame().T) - self.threshold")),
    Fault("features that may be negative", "took a smooth activation", MODULE, "equiangular: typical",
          torch=("F.relu(", "F.gelu("), mlx=("nn.relu(", "nn.gelu(")),
    Fault("features without gains", "wrote all features alike", MODULE, "equiangular: typical",
          **both("self.gain[:, None] * self.frame()", "self.frame()")),
    Fault("gains on both sides", "weighed features where they are read, too", MODULE, "equiangular: typical",
          **both("self.features(x) @", "(self.gain * self.features(x)) @")),
)  # fmt: skip
