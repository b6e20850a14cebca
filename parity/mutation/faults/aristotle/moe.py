"""Faults in A1, the tree of Porphyry."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "aristotle.moe"

FAULTS = (
    Fault("choice without beta", "left out the router bias", MODULE, "moe: typical",
          torch=("+ self.beta >= 0.5", ">= 0.5"), mlx=("+ self.beta >= 0.5", ">= 0.5")),
    Fault("beta on the logit", "added the router bias before the sigmoid", MODULE, "moe: load",
          torch=("z.sigmoid() + self.beta >= 0.5", "(z + self.beta).sigmoid() >= 0.5"),
          mlx=("mx.sigmoid(z) + self.beta >= 0.5", "mx.sigmoid(z + self.beta) >= 0.5")),
    Fault("beta in reach", "let the router bias change the weights, not only the choice", MODULE, "moe: typical",
          torch=("self.log_reach(z).gather", "self.log_reach(z + self.beta).gather"),
          mlx=("take_along_axis(self.log_reach(z)", "take_along_axis(self.log_reach(z + self.beta)")),
    Fault("bias the wrong way", "sent tokens to the fuller side", MODULE, "moe: rebalanced",
          torch=("self.beta - self.rate *", "self.beta + self.rate *"),
          mlx=("self.beta - self.rate *", "self.beta + self.rate *")),
    Fault("no gradient to the questions", "detached reach, as routers often are", MODULE, "moe: typical",
          torch=("1, self.path[choice]).exp()", "1, self.path[choice]).exp().detach()"),
          mlx=("self._path[choice], axis=1))[token]", "self._path[choice], axis=1))[token] * 0 + mx.stop_gradient("
               "mx.exp(mx.take_along_axis(self.log_reach(z), self._path[choice], axis=1))[token])")),
    Fault("reach normalised", "normalised the weights of a path to sum 1, as gates often do", MODULE, "moe: typical",
          torch=("(up @ F.embedding(token, flat).mT).mT, weight)",
                 "(up @ F.embedding(token, flat).mT).mT, weight / weight.sum(-1, keepdim=True))"),
          mlx=("up.swapaxes(1, 2), weight)", "up.swapaxes(1, 2), weight / weight.sum(-1, keepdims=True))")),
)  # fmt: skip
