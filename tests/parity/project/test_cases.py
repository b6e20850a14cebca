"""Definition, PyTorch and MLX agree on every case, outputs and every gradient, in float64 and float32."""

from __future__ import annotations

from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

from lyceum import personas
from lyceum.personas.euclid.mla import Free
from lyceum.personas.memory.mixture import Mixture
from lyceum.personas.spec.case import collect
from parity.project.checks import cases, proofs, select
from parity.results.table import agreement
from parity.results.verdict import AGREEMENT
from tests.support.assertions import all_passed

CASES = cases()
LAYERS = sorted(
    f"personas.{path.parent.name}.{path.stem}" for path in Path(personas.__file__).parent.glob("*/[a-z]*.py")
)
WHOLE = {  # whole numbers, which have no gradient
    "moe: load",
    "simplex: load",
    "simplex: zero",
    "quantize: encode, one block of 8 bits",
    "lattice: encode, one block of zeros",
    "lattice: decode, one block",
}
VARIANTS = {"torch float64", "mlx float64", "torch float32", "mlx float32"}


# A whole model is drawn once; `python -m parity --seeds` and slow tests draw it more often.
POINTS = [
    pytest.param(name, seed, marks=pytest.mark.slow) if seed and name.startswith(("model", "step")) else (name, seed)
    for name in CASES
    for seed in (0, 1)
]


@pytest.mark.parametrize(("name", "seed"), POINTS)
def test_agrees(name, seed):
    """And every gradient is compared: MLX has one for what a method does not read, too: zero."""
    found = all_passed(CASES[name](seed))
    assert {verdict.variant for verdict in found} >= VARIANTS
    assert agreement(found) < AGREEMENT
    if not name.startswith("step"):
        compared = {variant: {verdict.what for verdict in found if verdict.variant == variant} for variant in VARIANTS}
        outputs = {what for what in compared["torch float32"] if what.startswith("output")}
        assert outputs and (outputs < compared["torch float32"] or name in WHOLE)
        assert compared["torch float32"] <= compared["mlx float32"] == compared["mlx float64"]


def test_names_are_unique():
    names = [record.name for kind in ("CASES", "THEOREMS") for record in collect(kind)]
    assert len(set(names)) == len(names)
    assert set(names) < set(CASES) | set(proofs())


def specifications(layer: str) -> set[type]:
    """The frozen dataclasses a layer of `personas` defines and a backend builds."""
    own = (x for x in vars(import_module(layer)).values() if isinstance(x, type) and x.__module__ == layer)
    return {x for x in own if is_dataclass(x) and hasattr(x, "initial")}


def test_every_layer_has_cases_and_theorems():
    # What both personas share has no layer of its own, but cases in theirs.
    expected = set().union(*map(specifications, LAYERS)) - {Free} | {Mixture}
    assert len(expected) >= 6
    assert {type(case.spec) for case in collect("CASES")} == expected
    layers = {spec.__module__ for spec in expected - {Mixture}}
    assert all(import_module(layer).THEOREMS for layer in layers)


def test_selection_by_name():
    assert list(select(CASES, ["ATTENTION: one"])) == ["attention: one token"]
    assert select(CASES, []) == CASES
    with pytest.raises(LookupError, match="'attenton'.*attention"):
        select(CASES, ["mlp", "attenton"])


def test_selection_by_persona():
    """`python -m parity check aristotle`: every layer of his, and the plans that are named after him."""
    found = select(CASES | proofs(), ["aristotle"])
    assert {"rope: turn", "ssm: recurrence", "moe: typical", "step: aristotle"} < found.keys()
    assert not found.keys() & {"attention: typical", "mlp: reflection", "model: baseline"}
