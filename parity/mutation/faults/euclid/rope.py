"""Faults in E5, two mirrors."""

from __future__ import annotations

from parity.mutation.planting import Fault

ROPE = "euclid.rope"

FAULTS = (
    Fault("projection for mirror", "took v v^T away once, not twice", ROPE, "mirrors: turn",
          torch=("(2 / square * v)", "(1 / square * v)"), mlx=("(2 / square * v)", "(1 / square * v)")),
    Fault("mirrors not of length 1", "forgot to divide by |v|^2", ROPE, "mirrors: turn",
          torch=("(2 / square * v)", "(2 * v)"), mlx=("(2 / square * v)", "(2 * v)")),
    Fault("mirrors in another order", "multiplied each pair the other way round", ROPE, "mirrors: turn",
          torch=("q[:, ::2] @ q[:, 1::2]", "q[:, 1::2] @ q[:, ::2]"),
          mlx=("q[:, ::2] @ q[:, 1::2]", "q[:, 1::2] @ q[:, ::2]")),
    Fault("gain after the planes", "applied the gains to the planes' coordinates", ROPE, "mirrors: turn",
          torch=(".view(self.n_head, self.width, 1) * q", ".view(self.n_head, 1, self.width) * q"),
          mlx=(".reshape(self.n_head, self.width, 1) * q", ".reshape(self.n_head, 1, self.width) * q")),
    Fault("planes not learned", "detached the mirrors", ROPE, "mirrors: turn",
          torch=("self.mirrors.to(dtype)", "self.mirrors.detach().to(dtype)"),
          mlx=("self.mirrors.astype(dtype)", "mx.stop_gradient(self.mirrors).astype(dtype)")),
    Fault("mirrors counted from zero again", "started a piece of a text at position 0", ROPE, "mirrors: three tokens",
          outside_training="generation only",
          torch=("position[:, None] + torch.arange", "0 * position[:, None] + torch.arange"),
          mlx=("position[:, None] + mx.arange", "0 * position[:, None] + mx.arange")),
)
