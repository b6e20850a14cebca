"""The harness can fail: it catches every planted fault, in either backend, and passes the unchanged backends."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import torch_ref.baseline.norm
import torch_ref.registry
from parity.mutation import planted_faults
from parity.mutation.checks import PLAN_CHECKS, checks, compositions
from parity.mutation.faults import compositions as wiring
from parity.mutation.planted_faults import MUTANTS, SEEDS, caught_by, healthy
from parity.mutation.planting import Fault, catch
from parity.project.checks import cases, collect
from parity.project.tiny_models import tiny_plans
from parity.results.verdict import Verdict
from tests.support.assertions import all_passed
from tests.support.turns import in_turn, one_each, thinned
from torch_ref.baseline.norm import LayerNorm

NAMES = [f"{backend}: {fault.name}" for fault, backend in MUTANTS]


@cache
def catching(name: str, seeds: range = SEEDS) -> Verdict | None:
    return caught_by(*MUTANTS[NAMES.index(name)], seeds)


@pytest.mark.slow  # tests/parity/project runs the same checks by default
def test_without_a_fault_the_same_checks_pass():
    all_passed(healthy())


def test_every_record_applies():
    """An edit whose text has gone from the source, or occurs twice in it, is a fault that nobody plants."""
    for fault, backend in MUTANTS:
        with fault.planted(backend):
            pass
    names = [case.name for case in collect("CASES")]
    for aspect, _, title in {fault.check.partition(": ") for fault, _ in MUTANTS}:
        if aspect in PLAN_CHECKS:
            assert compositions(aspect, title)
        else:
            assert any(name.startswith(aspect) for name in names)


# One fault in sixteen, in one backend by turns. `tests/parity/project` runs by default the checks that catch them.
@pytest.mark.parametrize("name", thinned(in_turn(NAMES, "mlx"), 16))
def test_caught(name):
    verdict = catching(name)
    assert verdict is not None, f"{name} survives"
    assert verdict.variant.startswith(name.partition(":")[0]) or verdict.variant == "reference slope"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_caught_on_another_seed(name):
    """`python -m parity mutants --seeds N` tries more."""
    assert catching(name, range(1, 2)) is not None, f"{name} survives seed 1"


@pytest.mark.slow
def test_without_a_fault_the_same_checks_pass_on_three_seeds():
    all_passed(healthy(range(3)))


@pytest.mark.slow
def test_without_a_fault_the_same_checks_pass_on_every_composition():
    all_passed(healthy(all_compositions=True))


def test_an_outcome_names_the_seeds_that_missed(monkeypatch):
    """Caught on some seeds only is not caught."""
    planted = MUTANTS[0]
    verdict = catching(NAMES[0])
    monkeypatch.setattr(planted_faults, "MUTANTS", (planted,))
    monkeypatch.setattr(planted_faults, "caught_by", lambda fault, backend, seeds: verdict if 0 in seeds else None)
    (outcome,) = planted_faults.run(range(3))
    assert (outcome.missed, outcome.caught, outcome.verdict) == ((1, 2), False, verdict)
    record = outcome.record()
    assert (record["record"], record["caught"], record["fault"]["name"]) == ("fault", False, planted[0].name)
    assert outcome.edit.note == planted[0].mistake
    (outcome,) = planted_faults.run(range(1))
    assert outcome.caught


@pytest.mark.slow
def test_the_count(capsys):
    caught = [name for name in NAMES if catching(name) is not None]
    with capsys.disabled():
        print(f"\nplanted faults caught: {len(caught)} of {len(NAMES)}")
    assert len(caught) == len(NAMES) == len(set(NAMES))
    assert all(sum(name.startswith(backend) for name in caught) >= 8 for backend in ("torch", "mlx"))


def test_tf32_shows_in_float32_alone():
    """The faintest fault: 10 bits of mantissa in one product, which the usual tolerance of 1e-2 lets pass."""
    for backend in ("torch", "mlx"):
        verdict = catching(f"{backend}: TF32")
        assert verdict.variant == f"{backend} float32"
        assert verdict.error < 1e-2 * verdict.scale


def test_a_fault_of_one_backend_fails_that_backend_alone():
    """The report blames the right backend."""
    fault = Fault("eps", "", "baseline.norm", "norm", mlx=("None, self.eps", "None, 1e-6"))
    with fault.planted("mlx"):
        failures = [verdict for verdict in cases()["norm: typical"](0) if not verdict.ok]
    assert failures and all(verdict.variant.startswith("mlx") for verdict in failures)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", one_each(list(wiring.FAULTS), lambda fault: fault.check), ids=lambda fault: fault.name
)
def test_a_fault_of_wiring_is_caught_in_the_composition_that_shows_it(fault):
    """The personas' defaults and other recipes pass; a composition one change away catches it, by title or not."""
    assert catch(fault, "torch", checks, SEEDS) is None
    verdict = caught_by(fault, "torch", SEEDS)
    title = verdict.case.partition(": ")[2]
    assert title in tiny_plans() and title not in {plan.title for plan in compositions(fault.check)}
    titled = replace(fault, check=verdict.case)
    assert [plan.title for plan in compositions(*verdict.case.split(": "))] == [title]
    assert caught_by(titled, "mlx", SEEDS).case == verdict.case == catch(titled, "torch", checks, SEEDS).case


def test_compositions_beyond_the_defaults_wait_until_these_have_passed():
    """A fault that a default catches costs no more: nothing is checked behind it."""
    first, *others = [plan.title for plan in compositions("model", all_compositions=True)]
    assert first == "baseline" and set(others) | {first} == set(tiny_plans())
    norms = next(fault for fault, _ in MUTANTS if fault.check == "model" and fault.module == "model")
    assert caught_by(norms, "torch", SEEDS).case == "model: baseline"


@pytest.mark.parametrize("check", ["mesote: typical", "step: aristotle with mo"])
def test_a_check_that_names_nothing_is_refused(check):
    with pytest.raises(LookupError, match="is called"):
        list(checks(check, 0))


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


@pytest.mark.slow  # each process imports both frameworks
def test_faults_are_chosen_by_words_and_planted_in_several_processes():
    alone, together = (list(planted_faults.run(SEEDS, "aristotle.norm", jobs)) for jobs in (1, 2))
    assert [(outcome.fault, outcome.backend) for outcome in alone] == [(o.fault, o.backend) for o in together]
    assert len(alone) < len(MUTANTS) and all(outcome.caught for outcome in (*alone, *together))
