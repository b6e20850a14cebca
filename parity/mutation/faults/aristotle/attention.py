"""Faults in A3, the syllogism."""

from __future__ import annotations

from parity.mutation.planting import Fault

SYL = "aristotle.attention"

FAULTS = (
    Fault("conclusion without the premise", "attended to the values instead of the middle terms the second time",
          SYL, "syllogism",
          torch=("(q, k, middle, is_causal=True)", "(q, k, v, is_causal=True)"),
          mlx=("(q, k, middle, scale=scale", "(q, k, v, scale=scale")),
    Fault("gate inverted", "gave the premise the conclusion's weight", SYL, "syllogism",
          torch=("self.gate.sigmoid()", "(-self.gate).sigmoid()"),
          mlx=("mx.sigmoid(self.gate)", "mx.sigmoid(-self.gate)")),
    Fault("one gate for all heads", "took the mean of the gates", SYL, "syllogism",
          torch=("self.gate.sigmoid()[:, None, None]", "self.gate.mean().sigmoid()"),
          mlx=("mx.sigmoid(self.gate)[:, None, None]", "mx.sigmoid(self.gate.mean())")),
    Fault("second mask missing", "let the second attention see later tokens", SYL, "syllogism",
          torch=("(q, k, middle, is_causal=True)", "(q, k, middle)"),
          mlx=('middle, scale=scale, mask="causal"', "middle, scale=scale")),
    Fault("middle terms forgotten", "cached the values instead", SYL, "syllogism: three tokens",
          outside_training="generation only",
          torch=("[middle, self.middle(new_v, premise)]", "[middle, new_v]"),
          mlx=("[middle, self.middle(new_v, premise)]", "[middle, new_v]")),
)
