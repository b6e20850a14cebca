"""Faults in E2, rigid motion."""

from __future__ import annotations

from parity.mutation.planting import Fault

SSM = "euclid.ssm"

FAULTS = (
    Fault("turned the wrong way", "took the other sign of the sine", SSM, "rigid: typical",
          torch=("torch.cat([-angle, angle], dim=-1)", "torch.cat([angle, -angle], dim=-1)"),
          mlx=("mx.concatenate([-angle, angle], axis=-1)", "mx.concatenate([angle, -angle], axis=-1)")),
    Fault("neighbouring coordinates", "paired coordinates 2n and 2n + 1 with the angles of n and n + N",
          SSM, "rigid: typical",
          torch=("x.roll(x.shape[-1] // 2, -1)", "x.roll(1, -1)"),
          mlx=("mx.roll(x, x.shape[-1] // 2, -1)", "mx.roll(x, 1, -1)")),
    Fault("chunks that hand on unturned states", "left the state in the frame of its chunk", SSM, "rigid: three levels",
          torch=("ends = turned((decay[..., -1, :, None] * v).mT @ b, cos[..., -1:, :], sin[..., -1:, :])",
                 "ends = (decay[..., -1, :, None] * v).mT @ b"),
          mlx=("ends = turned((decay[..., -1, :, None] * v).swapaxes(-1, -2) @ b, cos[..., -1:, :], sin[..., -1:, :])",
               "ends = (decay[..., -1, :, None] * v).swapaxes(-1, -2) @ b")),
    Fault("input weighed by 1 - r", "took 1 - r for the other side of the triangle", SSM, "rigid: typical",
          torch=("(root * (2 - root * root).sqrt())", "(root * root)"),
          mlx=("(root * mx.sqrt(2 - root * root))", "(root * root)")),
    Fault("the last token's state", "handed on the state before the last chunk", SSM, "rigid: forty tokens",
          torch=("return after[:, :, -1], self.out", "return before(after, state)[:, :, -1], self.out"),
          mlx=("return after[:, :, -1], self.out", "return before(after, state)[:, :, -1], self.out")),
)
