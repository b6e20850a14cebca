"""The audit: both backends followed through everything they do, and each operator looked up in its package's table.

Followed are every layer's cases, the tiny model of every persona, forward and backward, its evaluation, and steps of
the real trainer. Besides missing kernels, float64 on the float32 path fails (Apple's GPU has none), and so does a CPU
tensor on a device's path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

from lyceum.personas import Plan
from lyceum.personas.spec.case import collect
from parity.mps_audit import mlx_backend, torch_backend
from parity.mps_audit.trace import Trace
from parity.project.full_model import drawn
from parity.project.tiny_models import tiny_plans
from parity.results.records import AuditRow


def audit() -> Iterator[AuditRow]:
    """Every row of both backends."""
    for backend in (torch_backend, mlx_backend):
        yield from rows(backend.BACKEND, traces(backend), backend.serve)


def traces(backend: ModuleType, plans: Iterable[Plan] | None = None) -> dict[str, Trace]:
    """{where: what was used there} of every case, and of the model, generation and trainer of every tiny plan.

    backend: `torch_backend` or `mlx_backend`. plans: these alone, without the cases.
    """
    traces = {} if plans else {case.name: backend.follow_case(case) for case in collect("CASES")}
    for plan in plans or tiny_plans().values():
        _, ids, targets, noise = drawn(plan, 0)
        traces[f"model: {plan.title}"] = backend.follow_module(backend.model(plan), "losses", ids, targets, noise)
        traces[f"generation: {plan.title}"] = backend.follow_module(backend.model(plan), "log_probs", ids)
        traces[f"step: {plan.title}"] = backend.follow_step(plan)
    return traces


def rows(backend: str, traces: dict[str, Trace], serve: Callable[[str], tuple[str, bool]]) -> list[AuditRow]:
    """One row a flaw and one an operator, with the first occurrence of each; failures first.

    traces: by where they were recorded. serve: name -> (how Apple's GPU serves it, whether it does).
    """
    flaws = {(what, why): where for where in reversed(traces) for what, why in traces[where].flaws.items()}
    first = {name: where for where in reversed(traces) for name in traces[where].names}
    rows = [AuditRow(backend, what, where, why, False) for (what, why), where in flaws.items()]
    rows += [AuditRow(backend, name, first[name], *serve(name)) for name in sorted(first)]
    return sorted(rows, key=lambda row: row.ok)
