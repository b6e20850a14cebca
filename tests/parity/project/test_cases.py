"""Reference, PyTorch and MLX agree on every case, outputs and every gradient, in float64 and float32."""

from __future__ import annotations

from importlib import import_module

import pytest

import mlx_impl.registry
import torch_ref.registry
from lyceum.personas.spec.case import collect, collect_by_module
from parity.project.checks import cases, pairs, proofs, select
from parity.project.tiny_models import tiny_plans
from parity.results.table import agreement
from parity.results.verdict import AGREEMENT
from tests.support.assertions import all_passed

CASES = cases()
VARIANTS = {"torch float64", "mlx float64", "torch float32", "mlx float32"}


# The full models of compositions one change from a default: their layers are compared alone, and their wiring and
# gradients by a training step. So by default only the personas' defaults are compared in all derivatives.
IMPLIED = {f"model: {title}" for title, plan in tiny_plans().items() if plan.systems != plan.persona.default}
# Drawn once by default: another draw shows a difference of mathematics with probability zero. `python -m parity check
# --seeds N` draws more.
DRAWS = [
    *(pytest.param(name, 0, marks=pytest.mark.slow) if name in IMPLIED else (name, 0) for name in CASES),
    *(pytest.param(name, 1, marks=pytest.mark.slow) for name in CASES),
]


def differentiable(name: str) -> bool:
    """Whether a case has a gradient: not if only integers go in, or come out."""
    _, point = pairs()[name]()
    return bool(point.cotangents and point.leaves())


@pytest.mark.parametrize(("name", "seed"), DRAWS)
def test_agrees(name, seed):
    """And every gradient is compared: MLX has one for what a method does not read, too: zero."""
    verdicts = all_passed(CASES[name](seed))
    assert {verdict.variant for verdict in verdicts} >= VARIANTS
    assert agreement(verdicts) < AGREEMENT
    if not name.startswith("step"):
        compared = {
            variant: {verdict.what for verdict in verdicts if verdict.variant == variant} for variant in VARIANTS
        }
        outputs = {what for what in compared["torch float32"] if what.startswith("output")}
        assert outputs and (outputs < compared["torch float32"] or not differentiable(name))
        assert compared["torch float32"] <= compared["mlx float32"] == compared["mlx float64"]


def test_names_are_unique():
    names = [record.name for listed in ("CASES", "THEOREMS") for record in collect(listed)]
    assert len(set(names)) == len(names)
    assert set(names) < set(CASES) | set(proofs())


def test_every_implementation_has_cases_and_theorems():
    for backend in (torch_ref, mlx_impl):
        backend.registry.REGISTRY.load()
        assert {type(case.spec) for case in collect("CASES")} == set(backend.registry.REGISTRY.implementations)
    assert all(import_module(module).THEOREMS for module, _ in collect_by_module("CASES"))


def test_selection_by_name():
    assert list(select(CASES, ["ATTENTION: one"])) == ["attention: one token"]
    assert select(CASES, []) == CASES
    with pytest.raises(LookupError, match="'attenton'.*attention"):
        select(CASES, ["mlp", "attenton"])


def test_selection_by_persona():
    """`python -m parity check aristotle`: every layer of his, and the plans that are named after him."""
    selected = select(CASES | proofs(), ["aristotle"])
    assert {"rope: turn", "ssm: recurrence", "moe: typical", "step: aristotle"} < selected.keys()
    assert not selected.keys() & {"attention: typical", "mlp: reflection", "model: baseline"}


def test_selection_by_system():
    """`python -m parity check norm`: also the cases of Aristotle's norm, which have names of their layers."""
    assert {"norm: typical", "golden: typical", "mesotes: typical"} < select(CASES, ["norm"]).keys()
