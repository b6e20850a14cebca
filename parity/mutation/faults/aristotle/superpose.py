"""Faults in A15, many predicates."""

from __future__ import annotations

from parity.mutation.planting import Fault

MODULE = "aristotle.superpose"

FAULTS = (
    Fault("predicates not bound", "added the predicates without turning them", MODULE, "superpose: embed",
          torch=("angle = self.steps.to(a.dtype)", "angle = 0 * self.steps.to(a.dtype)"),
          mlx=("angle = self._steps.astype(a.dtype)", "angle = 0 * self._steps.astype(a.dtype)")),
    Fault("keys over a full turn", "divided a full turn into lines, not half of one", MODULE, "superpose: embed",
          torch=("(math.pi / len", "(2 * math.pi / len"),
          mlx=("(math.pi / len", "(2 * math.pi / len")),
    Fault("keys by planes", "divided half a turn by the number of planes", MODULE, "superpose: embed",
          torch=("len(self.steps)", "self.steps.shape[1]"),
          mlx=("len(self._steps)", "self._steps.shape[1]")),
    Fault("turned backwards", "turned every predicate the other way", MODULE, "superpose: embed",
          torch=("(angle.sin() * a)", "(-angle.sin() * a)"),
          mlx=("(mx.sin(angle) * a)", "(-mx.sin(angle) * a)")),
    Fault("mean of predicates", "took the mean for the sum", MODULE, "superpose: embed",
          torch=("(angle.cos() * a).sum(-2)", "(angle.cos() * a).mean(-2)"),
          mlx=("(mx.cos(angle) * a).sum(-2)", "(mx.cos(angle) * a).mean(-2)")),
    Fault("predicates of the leaf", "looked up the predicates by leaf, not by id", MODULE, "superpose: embed",
          torch=("self.rows[ids]", "self.rows[self.leaf[ids] % len(self.rows)]"),
          mlx=("self._rows[ids]", "self._rows[self._leaf[ids] % len(self._rows)]")),
    Fault("no gradient into predicates", "detached the table", MODULE, "superpose: embed",
          torch=("ids], self.embed_predicate)", "ids], self.embed_predicate).detach()"),
          mlx=("self.embed_predicate[self._rows[ids]]", "mx.stop_gradient(self.embed_predicate)[self._rows[ids]]")),
    Fault("no gradient through the sines", "detached the sines", MODULE, "superpose: embed",
          torch=("(angle.sin() * a).sum(-2)", "(angle.sin() * a.detach()).sum(-2)"),
          mlx=("(mx.sin(angle) * a).sum(-2)", "(mx.sin(angle) * mx.stop_gradient(a)).sum(-2)")),
)
