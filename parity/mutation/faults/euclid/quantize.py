"""Faults in E4, the lattice E8."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "euclid.quantize"

FAULTS = (
    Fault("lattice of one coset", "took the nearest point of D8, and forgot its other coset", MODULE, "lattice: encode",
          torch=("coset = excess > 0", "coset = excess > 10**9"), mlx=("coset = excess > 0", "coset = excess > 10**9")),
    Fault("lattice Z8", "rounded every coordinate, and let the sum be odd", MODULE, "lattice: encode",
          torch=("change_even, change_odd = total(even) % 2, total(odd) % 2",
                 "change_even, change_odd = 0 * total(even), 0 * total(odd)"),
          mlx=("change_even, change_odd = total(even) % 2, total(odd) % 2",
               "change_even, change_odd = 0 * total(even), 0 * total(odd)")),
    Fault("farthest in both cosets", "changed the coordinate of greatest t in the odd coset, too", MODULE,
          "lattice: encode", torch=("(near == least) & (change_odd == 1)", "(far == greatest) & (change_odd == 1)"),
          mlx=("(near == least) & (change_odd == 1)", "(far == greatest) & (change_odd == 1)")),
    Fault("distances before the change", "compared the cosets before correcting their parity", MODULE,
          "lattice: encode",
          torch=("total(2 * t - half) + 4 * change_even * (half - (greatest + 7) // 8) - 4 * change_odd * (least // 8)",
                 "total(2 * t - half)"),
          mlx=("total(2 * t - half) + 4 * change_even * (half - (greatest + 7) // 8) - 4 * change_odd * (least // 8)",
               "total(2 * t - half)")),
    Fault("step for half a step", "multiplied by the step", MODULE, "lattice: decode",
          torch=(".float() * (self.half_step / self.grid)", ".float() * (2 * self.half_step / self.grid)"),
          mlx=(".astype(mx.float32) * (self.half_step / self.grid)",
               ".astype(mx.float32) * (2 * self.half_step / self.grid)")),
    Fault("parity of all eight", "took the parity of all coordinates for that of the first seven", MODULE,
          "lattice: decode", torch=("total(codes[:, :7]) % 2", "total(codes) % 2"),
          mlx=("total(codes[:, :7]) % 2", "total(codes) % 2")),
)  # fmt: skip
