"""Faults in A21, habit, and in the training step."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE, PULL, STEP = "aristotle.retain", "retain: pull", "step: aristotle with retain"

FAULTS = (
    Fault("pushed away", "took the distance the other way round", MODULE, PULL,
          torch=("w - weights,", "weights - w,"), mlx=("(w - weights)", "(weights - w)")),
    Fault("pulled to zero", "decayed the weight instead of its distance", MODULE, PULL,
          torch=("w - weights,", "w,"), mlx=("(w - weights)", "w")),
    Fault("strength forgotten", "left the strength at 1", MODULE, PULL,
          torch=(", value=self.strength)", ")"), mlx=("self.strength * (fisher", "(fisher")),
    Fault("all weights alike", "pulled without the information", MODULE, PULL,
          torch=("(g, fisher, w", "(g, torch.ones_like(g), w"), mlx=("(fisher * (w - weights))", "(w - weights)")),
    Fault("information squared", "weighed by the square", MODULE, PULL,
          torch=("(g, fisher, w", "(g, fisher * fisher, w"), mlx=("(fisher * (w", "(fisher * fisher * (w")),
    Fault("gradient dropped", "returned the pull alone", MODULE, PULL,
          torch=("addcmul(g, fisher", "addcmul(0 * g, fisher"), mlx=("return g + self", "return self")),
    Fault("tables exchanged", "took weights for information", MODULE, STEP,
          torch=("self.weights[name], self.fisher[name]", "self.fisher[name], self.weights[name]"),
          mlx=("self._weights[name], self._fisher[name]", "self._fisher[name], self._weights[name]")),
    Fault("first rows", "took as many rows from the top instead of those with information", MODULE, STEP,
          torch=("torch.from_numpy(x) for name, x in rows", "torch.arange(len(x)) for name, x in rows")),
    Fault("no restraint", "did not use what was prepared", "alone", STEP,
          torch=("if self.retain:", "if False:"), mlx=("if self.retain:", "if False:")),
    Fault("pull after the clip", "restrained what was clipped, so that the clip does not see it", "alone", STEP,
          torch=("        if self.retain:\n",
                 "        nn.utils.clip_grad_norm_(self.named.values(), self.clip_norm)\n"
                 "        self.clip_norm = float('inf')\n        if self.retain:\n"),
          mlx=("        if self.retain:\n",
               "        length = sum(mx.square(g).sum() for _, g in tree_flatten(gradients)) ** 0.5\n"
               "        shorter = mx.minimum(1, self.clip_norm / length)\n"
               "        gradients = tree_unflatten([(name, g * shorter) for name, g in tree_flatten(gradients)])\n"
               "        self.clip_norm = 1e30\n        if self.retain:\n")),
)  # fmt: skip
