"""Faults in A15, many predicates."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "aristotle.superpose"

FAULTS = (
    Fault("predicates not bound", "added the predicates without turning them", MODULE, "superpose: embed",
          torch=("angle = self.steps.to", "angle = 0 * self.steps.to"),
          mlx=("angle = self._steps.astype", "angle = 0 * self._steps.astype")),
    Fault("keys over half a turn", "divided half a turn, not a full one", MODULE, "superpose: embed",
          torch=("(2 * math.pi / len", "(math.pi / len"), mlx=("(2 * math.pi / len", "(math.pi / len")),
    Fault("keys by planes", "divided a turn by the number of planes", MODULE, "superpose: embed",
          torch=("/ len(self.steps)", "/ self.steps.shape[1]"), mlx=("/ len(self._steps)", "/ self._steps.shape[1]")),
    Fault("keys transposed", "turned every predicate the other way", MODULE, "superpose: embed",
          torch=("torch.cat([cos, sin], dim=-1), torch.cat([-sin, cos], dim=-1)",
                 "torch.cat([cos, -sin], dim=-1), torch.cat([sin, cos], dim=-1)"),
          mlx=("mx.concatenate([cos, sin], axis=-1), mx.concatenate([-sin, cos], axis=-1)",
               "mx.concatenate([cos, -sin], axis=-1), mx.concatenate([sin, cos], axis=-1)")),
    Fault("keys that mirror", "lost the sign of a sine", MODULE, "superpose: embed",
          torch=("[-sin, cos]", "[sin, cos]"), mlx=("[-sin, cos]", "[sin, cos]")),
    Fault("keys in the order of planes", "took channels of all predicates by turns", MODULE, "superpose: embed",
          torch=("self.embed_predicate).flatten(-2)", "self.embed_predicate).mT.flatten(-2)"),
          mlx=("[self._rows[ids]].flatten(-2)", "[self._rows[ids]].swapaxes(-1, -2).flatten(-2)")),
    Fault("predicates of the leaf", "looked up the predicates by leaf, not by id", MODULE, "superpose: embed",
          torch=("self.rows[ids]", "self.rows[self.leaf[ids] % len(self.rows)]"),
          mlx=("self._rows[ids]", "self._rows[self._leaf[ids] % len(self._rows)]")),
    Fault("half of the gradient", "averaged the table with a detached copy", MODULE, "superpose: embed",
          torch=("self.rows[ids], self.embed_predicate)",
                 "self.rows[ids], (self.embed_predicate + self.embed_predicate.detach()) / 2)"),
          mlx=("self.embed_predicate[self._rows",
               "((self.embed_predicate + mx.stop_gradient(self.embed_predicate)) / 2)[self._rows")),
)
