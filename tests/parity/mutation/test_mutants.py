"""The harness can fail: every planted fault is caught, in either backend, and without it everything is green."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import torch_ref.baseline.norm
import torch_ref.registry
from parity import mutation
from parity.mutation import MUTANTS, SEEDS, checks, healthy
from parity.mutation.planting import Fault, catch
from parity.project.checks import cases
from parity.results.verdict import Verdict
from tests.support.assertions import all_passed
from tests.support.turns import in_turn
from torch_ref.baseline.norm import LayerNorm

NAMES = [f"{backend}: {fault.name}" for fault, backend in MUTANTS]


@cache
def caught_by(name: str, seeds: range = SEEDS) -> Verdict | None:
    fault, backend = MUTANTS[NAMES.index(name)]
    return catch(fault, backend, checks, seeds)


def test_without_a_fault_the_same_checks_are_green():
    all_passed(healthy())


# The other backend than that in which `test_forcing` looks for the same fault.
@pytest.mark.parametrize("name", in_turn(NAMES, "mlx"))
def test_caught(name):
    verdict = caught_by(name)
    assert verdict is not None, f"{name} survives"
    assert verdict.variant.startswith(name.partition(":")[0]) or verdict.variant == "definition slope"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
@pytest.mark.parametrize("name", NAMES)
def test_caught_on_every_seed_by_itself(name, seed):
    assert caught_by(name, range(seed, seed + 1)) is not None, f"{name} survives seed {seed}"


@pytest.mark.slow
def test_without_a_fault_the_same_checks_are_green_on_five_seeds():
    all_passed(healthy(range(5)))


def test_an_outcome_names_the_seeds_that_missed(monkeypatch):
    """Caught on some seeds only is not caught."""
    planted = MUTANTS[0]
    red = caught_by(NAMES[0])
    monkeypatch.setattr(mutation, "MUTANTS", (planted,))
    monkeypatch.setattr(mutation, "catch", lambda fault, backend, checks, seeds: red if 0 in seeds else None)
    (outcome,) = mutation.run(range(3))
    assert (outcome.missed, outcome.caught, outcome.verdict) == ((1, 2), False, red)
    record = outcome.record()
    assert (record["record"], record["caught"], record["fault"]["name"]) == ("fault", False, planted[0].name)
    assert outcome.edit.note == planted[0].mistake
    (outcome,) = mutation.run(range(1))
    assert outcome.caught


@pytest.mark.slow
def test_the_count(capsys):
    caught = [name for name in NAMES if caught_by(name) is not None]
    with capsys.disabled():
        print(f"\nplanted faults caught: {len(caught)} of {len(NAMES)}")
    assert len(caught) == len(NAMES) == len(set(NAMES))
    assert all(sum(name.startswith(backend) for name in caught) >= 8 for backend in ("torch", "mlx"))


def test_tf32_shows_in_float32_alone():
    """The faintest fault: 10 bits of mantissa in one product, which the usual tolerance of 1e-2 lets pass."""
    for backend in ("torch", "mlx"):
        verdict = caught_by(f"{backend}: TF32")
        assert verdict.variant == f"{backend} float32"
        assert verdict.error < 1e-2 * verdict.scale


def test_a_fault_of_one_backend_leaves_the_other_green():
    """The report blames the right backend."""
    fault = Fault("eps", "", "baseline.norm", "norm", mlx=("None, self.eps", "None, 1e-6"))
    with fault.planted("mlx"):
        red = [verdict for verdict in cases()["norm: typical"](0) if not verdict.ok]
    assert red and all(verdict.variant.startswith("mlx") for verdict in red)


def test_planting_acts_on_living_functions_and_is_undone():
    before, twin = vars(LayerNorm)["forward"].__code__, torch_ref.registry.build(_norm())
    x = torch_ref.baseline.norm.torch.tensor([[1.0, 2.0, 4.0]])
    healthy_output = twin(x).detach().numpy()
    fault = Fault("eps", "", "baseline.norm", "norm", torch=("None, self.eps", "None, 1.0"))
    with pytest.raises(RuntimeError, match="inside"), fault.planted("torch"):
        assert not np.allclose(twin(x).detach().numpy(), healthy_output)
        raise RuntimeError("inside")
    assert vars(LayerNorm)["forward"].__code__ is before
    assert np.array_equal(twin(x).detach().numpy(), healthy_output)


def _norm():
    from lyceum.personas.baseline.norm import LayerNorm as Definition

    return Definition(3)


@pytest.mark.parametrize("old", ("no such text", "self"))
def test_an_edit_that_does_not_apply_is_refused(old):
    fault = Fault("stale", "", "baseline.norm", "norm", torch=(old, "x"))
    with pytest.raises(ValueError, match="times in torch_ref.baseline.norm: renew the record"), fault.planted("torch"):
        pass


def test_a_harmless_edit_survives():
    """Else `caught` would mean nothing: an edit that changes no number is reported as surviving."""
    fault = Fault("harmless", "", "baseline.norm", "norm", torch=("None, self.eps", "None, 1.0 * self.eps"))
    assert catch(fault, "torch", checks, SEEDS) is None
