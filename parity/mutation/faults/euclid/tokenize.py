"""Mistakes in E8, division with remainder."""

from __future__ import annotations

from parity.mutation.planting import Fault

DIVISION = "euclid.tokenize"

FAULTS = (
    Fault("divided by the number of rows", "took the quotient on the rows instead of on the places", DIVISION,
          "division", torch=("[n // self.places,", "[n // self.rows,"), mlx=("[n // self.places,", "[n // self.rows,")),
    Fault("tables that begin at one place", "read every remainder from the first table", DIVISION, "division: embed",
          torch=("self.remainders(ids) + self.begins", "self.remainders(ids)"),
          mlx=("self.remainders(ids) + self._begins", "self.remainders(ids)")),
    Fault("remainders of the place", "took the remainders of r instead of those of n = C q + r", DIVISION, "division",
          torch=("left = n % torch.tensor", "left = n % self.places % torch.tensor"),
          mlx=("self._left = n %", "self._left = n % self.places %")),
    Fault("empty places scored", "left the mask out, so that places without a token took their share", DIVISION,
          "division: log_prob",
          torch=("among + self.base_place[row]", "among + self.base_place[row].clamp(min=-20)"),
          mlx=("among + self._base_place[row]", "among + mx.maximum(self._base_place[row], -20)")),
    Fault("no gradient into the places", "detached the table of r in the whole distribution", DIVISION,
          "division: log_probs",
          torch=("vectors = self.head[self.rows : self.rows + self.places] +",
                 "vectors = self.head[self.rows : self.rows + self.places].detach() +"),
          mlx=("vectors = self.head[self.rows : self.rows + self.places] +",
               "vectors = mx.stop_gradient(self.head[self.rows : self.rows + self.places]) +")),
)
