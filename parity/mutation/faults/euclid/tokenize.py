"""Faults in E8, division with remainder."""

from __future__ import annotations

from parity.mutation.planting import Fault

DIVISION = "euclid.tokenize"

FAULTS = (
    Fault("divided by the number of rows", "took the quotient on the rows instead of on the columns", DIVISION,
          "division", torch=("[n // self.columns,", "[n // self.rows,"),
          mlx=("[n // self.columns,", "[n // self.rows,")),
    Fault("tables that begin at one row", "read every remainder from the first table", DIVISION, "division: embed",
          torch=("self.remainders(ids) + self.begins", "self.remainders(ids)"),
          mlx=("self.remainders(ids) + self._begins", "self.remainders(ids)")),
    Fault("remainders of the column", "took the remainders of r instead of those of n = C q + r", DIVISION, "division",
          torch=("left = n % torch.tensor", "left = n % self.columns % torch.tensor"),
          mlx=("self._left = n %", "self._left = n % self.columns %")),
    Fault("empty columns scored", "left the mask out, so that columns without a token took their share", DIVISION,
          "division: log_prob",
          torch=("among + self.base_column[row]", "among + self.base_column[row].clamp(min=-20)"),
          mlx=("among + self._base_column[row]", "among + mx.maximum(self._base_column[row], -20)")),
    Fault("no gradient into the columns", "detached the table of r in the full distribution", DIVISION,
          "division: log_probs",
          outside_training="the full distribution only",
          torch=("vectors = self.head[self.rows : self.rows + self.columns] +",
                 "vectors = self.head[self.rows : self.rows + self.columns].detach() +"),
          mlx=("vectors = self.head[self.rows : self.rows + self.columns] +",
               "vectors = mx.stop_gradient(self.head[self.rows : self.rows + self.columns]) +")),
)
