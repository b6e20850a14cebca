"""Faults in A18, essence and accident."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

MODULE = "aristotle.sparse"

FAULTS = (
    Fault("gate without its factor", "left out the factor with which the gate rests at 1", MODULE, "sparse: typical",
          torch=("return 2 * F.relu", "return F.relu"), mlx=("return 2 * nn.relu", "return nn.relu")),
    Fault("gate jumps on the line", "weighed a token that passes by its score, as other routers do", MODULE,
          "sparse: typical",
          torch=("return 2 * F.relu(self.router(x).sigmoid() - self.theta)",
                 "s = self.router(x).sigmoid(); return 2 * s * (s > self.theta)"),
          mlx=("return 2 * nn.relu(mx.sigmoid(self.router(x)) - self.theta)",
               "s = mx.sigmoid(self.router(x)); return 2 * s * (mx.stop_gradient(s) > self.theta)")),
    Fault("theta on the logit", "took the threshold from the logit", MODULE, "sparse: typical",
          torch=("self.router(x).sigmoid() - self.theta", "(self.router(x) - self.theta).sigmoid() - 0.5"),
          mlx=("mx.sigmoid(self.router(x)) - self.theta", "mx.sigmoid(self.router(x) - self.theta) - 0.5")),
    Fault("no gradient to the gate", "detached the gate, as choices often are", MODULE, "sparse: typical",
          torch=("return gate * self.inner(x)", "return gate.detach() * self.inner(x)"),
          mlx=("return gate * self.inner(x)", "return mx.stop_gradient(gate) * self.inner(x)")),
    Fault("gate inside", "weighed what goes into the perceptron, not what comes out", MODULE, "sparse: typical",
          **both("return gate * self.inner(x)", "return self.inner(gate * x)")),
    Fault("every other counted", "counted those that do not pass as those that do", MODULE, "sparse: load",
          torch=("torch.stack([passes.sum(), (~passes).sum()])", "torch.stack([(~passes).sum(), passes.sum()])"),
          mlx=("mx.stack([passes.sum(), (~passes).sum()])", "mx.stack([(~passes).sum(), passes.sum()])")),
    Fault("theta the wrong way", "let more pass where too many do", MODULE, "sparse: rebalanced",
          **both("self.theta + self.rate", "self.theta - self.rate")),
    Fault("target of one half", "forgot the target", MODULE, "sparse: rebalanced",
          **both("self.target * load.sum()", "0.5 * load.sum()")),
    Fault("skipping forgets the gate", "took the perceptron's output as it is where tokens are left out", MODULE,
          "sparse: computed at", **both("gate[rows] * self.inner(x[rows])", "self.inner(x[rows])"),
          outside_training="generation only"),
    Fault("skipping shifts its rows", "put results back in the first rows", MODULE, "sparse: computed at",
          torch=("index_copy(0, rows, gate", "index_copy(0, torch.arange(len(rows)), gate"),
          mlx=(".at[rows].add(mx", ".at[mx.arange(len(rows))].add(mx"), outside_training="generation only"),
    Fault("skipping takes the first gates", "read the gates of the first rows", MODULE, "sparse: computed at",
          **both("gate[rows] * self", "gate[: len(rows)] * self"), outside_training="generation only"),
    Fault("theta never moves", "left out the update after a step", MODULE, "step: aristotle",
          torch=("self.theta.copy_(self.rebalanced(self.latest))", "self.rebalanced(self.latest)"),
          mlx=("self.theta = self.rebalanced(self._latest)", "self.rebalanced(self._latest)")),
)  # fmt: skip
