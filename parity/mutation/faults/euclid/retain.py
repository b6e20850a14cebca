"""Faults in E21, the perpendicular, and in the training step."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

MODULE, FOOT, STEP = "euclid.retain", "perpendicular: foot", "step: euclid with retain"

FAULTS = (
    Fault("the part along", "returned the part along the axes", MODULE, FOOT,
          torch=("return x - (self.axes", "return (self.axes"), mlx=("return x - (self._axes", "return (self._axes")),
    Fault("reflected", "took the part along the axes off twice", MODULE, FOOT,
          torch=("return x - (self.axes", "return x - 2 * (self.axes"),
          mlx=("return x - (self._axes", "return x - 2 * (self._axes")),
    Fault("first axis alone", "projected off one axis", MODULE, FOOT,
          torch=("(self.axes @ x) @ self.axes", "(self.axes[:1] @ x) @ self.axes[:1]"),
          mlx=("(self._axes @ x) @ self._axes", "(self._axes[:1] @ x) @ self._axes[:1]")),
    Fault("gradient as it is", "projected the step alone", MODULE, STEP,
          **both("return self.parts(self.foot(self.joined(gradients)))", "return gradients")),
    Fault("step as it is", "projected the gradient alone, which AdamW turns away again", MODULE, STEP,
          torch=("return self.parts(self.weights + self.foot(self.joined(parameters) - self.weights))",
                 "return parameters"),
          mlx=("return self.parts(self._weights + self.foot(self.joined(parameters) - self._weights))",
               "return parameters")),
    Fault("perpendicular from the origin", "projected the weights instead of their way", MODULE, STEP,
          torch=("self.weights + self.foot(self.joined(parameters) - self.weights)",
                 "self.foot(self.joined(parameters))"),
          mlx=("self._weights + self.foot(self.joined(parameters) - self._weights)",
               "self.foot(self.joined(parameters))")),
    Fault("nothing confined", "did not call it after the rules", "alone", STEP,
          **both('hasattr(self.retain, "confine")', "False")),
)  # fmt: skip
