"""The audit for Apple's GPU: does everything that the backends compute with have a kernel there?

Idea. Whether a model runs on a device is decided operator by operator. So follow both backends through everything they
do, write down each operator (PyTorch: ATen) or primitive (MLX) with the first place it occurs, and look it up:

    PyTorch   in the operator table of the wheel, which names the kernel of every device          (`torch_backend`)
    MLX       in the headers of the wheel, which declare each primitive's `eval_gpu`, less those that Metal refuses
                                                                                                  (`mlx_backend`)

Followed are every layer's cases, the whole small model of every persona, forward and backward, its evaluation, and
steps of the real trainer. Besides missing kernels, float64 on the float32 path is red (Apple's GPU has none), and so is
a CPU tensor on a device's path.

What it cannot show: that a kernel is right, that it takes these shapes, or that it is fast. This is a check by table,
not a run on Apple hardware; the workflow `apple.yml` runs the suite itself there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType

from lyceum.personas.spec.case import collect
from parity.project.full_model import drawn
from parity.project.tiny_models import tiny_plans


@dataclass
class Trace:
    """What was met on the way: the names of operators or primitives, and flaws {what: why it is red}."""

    names: dict[str, None] = field(default_factory=dict)
    flaws: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One line of the audit. name: an operator, a primitive or a flaw. where: the first place it was met.

    served: how Apple's GPU serves it, or why not.
    """

    backend: str
    name: str
    where: str
    served: str
    ok: bool

    def sentence(self) -> str:
        """The failure in one sentence."""
        return f"{self.backend}, {self.where}: {self.name}: {self.served}"


def judge(backend: str, traces: dict[str, Trace], serve: Callable[[str], tuple[str, bool]]) -> list[Row]:
    """One row a flaw and one a name, with the first place of each; red rows first.

    traces: by place. serve: name -> (how Apple's GPU serves it, whether it does).
    """
    flaws = {(what, why): place for place in reversed(traces) for what, why in traces[place].flaws.items()}
    first = {name: place for place in reversed(traces) for name in traces[place].names}
    rows = [Row(backend, what, place, why, False) for (what, why), place in flaws.items()]
    rows += [Row(backend, name, first[name], *serve(name)) for name in sorted(first)]
    return sorted(rows, key=lambda row: row.ok)


def traces(backend: ModuleType) -> dict[str, Trace]:
    """By place: every case, and of every small plan the model, forward and backward, and the trainer.

    backend: `torch_backend` or `mlx_backend`.
    """
    found = {case.name: backend.follow_case(case) for case in collect("CASES")}
    for plan in tiny_plans().values():
        _, ids, targets, noise = drawn(plan, 0)
        found[f"model: {plan.title}"] = backend.follow_module(backend.model(plan), "losses", ids, targets, noise)
        found[f"generation: {plan.title}"] = backend.follow_module(backend.model(plan), "log_probs", ids)
        found[f"step: {plan.title}"] = backend.follow_step(plan)
    return found


def audit() -> Iterator[Row]:
    """Every row of both backends."""
    from parity.mps_audit import mlx_backend as audit_mlx
    from parity.mps_audit import torch_backend as audit_torch

    for backend in (audit_torch, audit_mlx):
        yield from judge(backend.BACKEND, traces(backend), backend.serve)
