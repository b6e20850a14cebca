"""Faults in E7, the compass: the rule of great circles."""

from __future__ import annotations

from parity.mutation.faults.aristotle.muon import both
from parity.mutation.planting import Fault

COMPASS = "euclid.muon"
U = "newton_schulz(foot, self.quintic, self.steps)"

FAULTS = (
    Fault("the second perpendicular forgotten", "stepped along U, out of the tangent plane", COMPASS, "compass",
          **both(f"perpendicular({U}, v)", U)),
    Fault("the first perpendicular forgotten", "made the momentum orthogonal before looking at W", COMPASS, "compass",
          **both("perpendicular(unit(m)[0], v)", "unit(m)[0]")),
    Fault("perpendicular onto the radius", "took the component along v for the foot", COMPASS, "compass",
          torch=("return x - (x * v).sum((1, 2), keepdim=True) * v", "return (x * v).sum((1, 2), keepdim=True) * v"),
          mlx=("return x - (x * v).sum((1, 2), keepdims=True) * v", "return (x * v).sum((1, 2), keepdims=True) * v")),
    Fault("chord for the arc", "added a step of length a and went back to the circle: the angle is atan a", COMPASS,
          "compass",
          torch=("angle.cos() * v - angle.sin() * t", "v - angle * t"),
          mlx=("mx.cos(angle) * v - mx.sin(angle) * t", "v - angle * t")),
    Fault("uphill", "turned towards the momentum", COMPASS, "compass",
          torch=("v - angle.sin()", "v + angle.sin()"), mlx=("v - mx.sin(angle)", "v + mx.sin(angle)")),
    Fault("tangent not of length one", "let the angle depend on the shape", COMPASS, "compass",
          torch=("return unit(torch.where(parallel, 0, second))[0]", "return torch.where(parallel, 0, second)"),
          mlx=("return unit(mx.where(parallel, 0, second))[0]", "return mx.where(parallel, 0, second)")),
    Fault("radius measured anew", "took the present length, whose rounding accumulates", COMPASS, "compass",
          outside_training="rounding that adds up over thousands of steps",
          torch=("torch.where(radius == 0, size[:, 0, 0], radius)", "size[:, 0, 0]"),
          mlx=("mx.where(radius == 0, size[:, 0, 0], radius)", "size[:, 0, 0]")),
    Fault("the unit sphere for all", "left the first radius out, as nGPT does", COMPASS, "optimizer",
          torch=("torch.where(radius == 0, size[:, 0, 0], radius)", "torch.where(radius == 0, 1, radius)"),
          mlx=("mx.where(radius == 0, size[:, 0, 0], radius)", "mx.where(radius == 0, 1, radius)")),
    Fault("the angle without the rate", "turned by the schedule's learning rate", COMPASS, "optimizer",
          torch=("self.rate * torch.as_tensor(lr", "torch.as_tensor(lr"), mlx=("self.rate * lr", "lr")),
    Fault("one length for the stack", "divided each matrix by the length of all", COMPASS, "compass",
          torch=("square = (x * x).sum((1, 2), keepdim=True)", "square = (x * x).sum()[None, None, None]"),
          mlx=("square = (x * x).sum(2, keepdims=True).sum(1, keepdims=True)",
               "square = (x * x).sum()[None, None, None]")),
)  # fmt: skip
