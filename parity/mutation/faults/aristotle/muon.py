"""Faults in A7, premises and conclusion: the rule, and the optimizers that call it on stacks."""

from __future__ import annotations

from parity.mutation.planting import Fault

MUON, SCHULZ, TRAINER = "aristotle.muon", "common.newton_schulz", "trainer"
CONCLUSION = "self.conclude(self.orthogonal(m), g)"


def both(old: str, new: str) -> dict[str, tuple[str, str]]:
    """The same edit in both backends."""
    return {"torch": (old, new), "mlx": (old, new)}


FAULTS = (
    Fault("mask not rescaled", "left the conclusion shorter by the masked entries", MUON, "muon",
          torch=("return agreed * torch.where(size == 0, 1, growth).sqrt()", "return agreed"),
          mlx=("return agreed * mx.where(size == 0, 1, growth).sqrt()", "return agreed")),
    Fault("rescaled by the share", "divided by the share of entries in the mask (Liang 2024)", MUON, "muon",
          torch=("torch.where(size == 0, 1, growth).sqrt()", "u[0].numel() / (agreed != 0).sum((1, 2), True)"),
          mlx=("mx.where(size == 0, 1, growth).sqrt()", "u[0].size / (agreed != 0).sum((1, 2), True)")),
    Fault("mask before Newton-Schulz", "masked the momentum before it was made orthogonal", MUON, "muon",
          **both(CONCLUSION, "self.orthogonal(self.conclude(m, g))")),
    Fault("mask by the momentum", "compared signs with M, not with G", MUON, "muon",
          **both(CONCLUSION, "self.conclude(self.orthogonal(m), m)")),
    Fault("no mask", "stepped along U", MUON, "optimizer", **both(CONCLUSION, "self.orthogonal(m)")),
    Fault("Nesterov's momentum", "looked a step ahead, as Muon's first version does", MUON, "optimizer",
          **both(CONCLUSION, "self.conclude(self.orthogonal(self.momentum * m + (1 - self.momentum) * g), g)")),
    Fault("momentum as a sum", "added the full gradient: it shows only in the state", MUON, "optimizer",
          **both("m = self.momentum * m + (1 - self.momentum) * g", "m = self.momentum * m + g")),
    Fault("one norm for the stack", "divided each matrix by the norm of all", SCHULZ, "muon",
          torch=("(x * x).sum((1, 2), keepdim=True)", "(x * x).sum()"),
          mlx=("(x * x).sum((1, 2), keepdims=True)", "(x * x).sum()")),
    Fault("four iterations", "stopped one early", SCHULZ, "muon", **both("range(steps)", "range(steps - 1)")),
    Fault("transposed update", "reshaped the transpose, without transposing it back", SCHULZ, "muon",
          torch=("return x if wide else x.mT", "return x.reshape(m.shape)"),
          mlx=("return x if wide else x.swapaxes(1, 2)", "return x.reshape(m.shape)")),
    Fault("scale of the first side", "took the rows for the greater side", MUON, "muon",
          **both("max(w.shape[1:])", "w.shape[1]")),
    Fault("decay at the schedule's rate", "left the rule's rate out of the decay", MUON, "optimizer",
          **both("1 - self.rate * lr * self.weight_decay", "1 - lr * self.weight_decay")),
    Fault("coupled decay of the momentum", "applied the weights' decay to M", MUON, "optimizer",
          **both("- self.rate * lr * step, m", "- self.rate * lr * step, m * (1 - lr * self.weight_decay)")),
    Fault("the rule never called", "stepped AdamW only, so that the hidden matrices do not change", TRAINER, "step",
          torch=("(self.adamw, self.stacked)", "(self.adamw,)")),
    Fault("every matrix to the rule", "applied it to embeddings and head too", "optimizers", "optimizer",
          mlx=("plan.is_hidden for _ in hidden", "(lambda name, p: p.ndim == 2) for _ in hidden")),
)  # fmt: skip
