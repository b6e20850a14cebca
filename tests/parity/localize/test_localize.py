"""Localization: every planted fault shows where it was planted, and backends that agree never diverge.

Where that is, follows from the fault's record: the layers whose class contains the edited text, or, where the text
belongs to a function, the layers whose module uses the fault's module. They are looked for in the tiny plans, the
personas' defaults first.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module

import pytest

from lyceum.personas import PERSONAS
from parity.localize import localize, models_and_point
from parity.localize.blame import call_results
from parity.localize.calls import submodules
from parity.localize.paired_run import paired_run
from parity.localize.targets import plan_target
from parity.mutation.checks import PLAN_CHECKS, compositions
from parity.mutation.planted_faults import MUTANTS
from parity.mutation.planting import PACKAGES, Edit
from parity.mutation.rewrites import PLANTED
from parity.project.tiny_models import compact
from parity.results.localization import CallResult, FirstDivergence, first_divergence
from tests.support.turns import every, one_each, thinned

UPDATES = ("optimizer", "trainer")  # the paths of what follows the gradients
NAMES = {f"{backend}: {fault.name}": (fault, backend) for fault, backend in MUTANTS}
HARMLESS = {f"{backend}: {rewrite.name}": (rewrite, backend) for rewrite, backend in PLANTED}
IN_TRAINING = [name for name, (fault, _) in NAMES.items() if not fault.outside_training]


@cache
def plans() -> dict:
    """{title: tiny plan}, of few blocks: the defaults, other recipes, then what is one change away."""
    return {plan.title: compact(plan) for plan in compositions("step", all_compositions=True)}


@cache
def classes(backend: str, title: str) -> tuple[tuple[str, type], ...]:
    """(path, class) of everything that a training step runs, layer by layer, and of what makes its updates."""
    plan, package = plans()[title], PACKAGES[backend]
    trained = {"", *(layer.name.partition(".")[0] for layer in plan.layers())}
    model = submodules(import_module(f"{package}.model").Model(plan))
    layers = {path: type(layer) for path, layer in model.items() if path.partition(".")[0] in trained}
    updating = [import_module(f"{package}.trainer").Trainer]
    updating += [owner for path, owner in layers.items() if path and hasattr(owner, "update_router_bias")]
    for rule in (plan.recipe.hidden, plan.recipe.rates):
        if rule is not None:
            updating.append(type(import_module(f"{package}.registry").build(rule)))
    return (*layers.items(), *((path, owner) for path in UPDATES for owner in updating))


@cache
def used(module: str) -> frozenset[str]:
    """A module of a backend, and those of which it uses functions or classes, directly or through others."""
    package, modules, new = module.partition(".")[0], set(), {module}
    while new:
        modules |= new
        values = [x for name in new for x in vars(import_module(name)).values()]
        named = {x.__module__ for x in values if inspect.isfunction(x) or inspect.isclass(x)}
        named |= {x.__name__ for x in values if inspect.ismodule(x)}
        new = {name for name in named if package in PACKAGES.values() and name.startswith(f"{package}.")} - modules
    return frozenset(modules)


@cache
def containing(name: str, text: str) -> frozenset[type]:
    """The classes of a module whose source contains a text."""
    classes = [x for x in vars(import_module(name)).values() if inspect.isclass(x) and x.__module__ == name]
    return frozenset(owner for owner in classes if text in inspect.getsource(owner))


def paths(edit: Edit, backend: str, title: str) -> set[str]:
    """Where an edit may show first in a plan's model: for each class that contains it or, else, uses it, one path.

    Several of a class that lie side by side are all taken: their names do not tell which is called first.
    """
    name, (text, _) = f"{PACKAGES[backend]}.{edit.module}", getattr(edit, backend)
    owners = containing(name, text)
    first: dict[tuple[type, str], set[str]] = {}
    for path, layer in classes(backend, title):
        if owners & set(layer.__mro__) if owners else name in used(layer.__module__):
            together = first.setdefault((layer, path if path in UPDATES else ""), set())
            if not together or {each.rpartition(".")[0] for each in together} == {path.rpartition(".")[0]}:
                together.add(path)
    return set().union(*first.values())


def results(title: str, updates: bool = True) -> Iterator[CallResult]:
    """What `localize` compares on a plan, one result after the other."""
    target = plan_target(plans()[title])
    calls = target.mlx_call, target.torch_call
    pair, point = models_and_point(target.mlx, target.torch, target.inputs, None, calls, None, 0)
    yield from call_results(pair, point, paired_run(pair, point).calls)
    yield from (update.result() for update in target.updates if updates)


def shows(title: str, expected: set[str]) -> bool:
    """Whether a fault may show in a plan; if no layer has it, the updates, which take less time, tell."""
    if not expected <= set(UPDATES):
        return True
    return first_divergence(update.result() for update in plan_target(plans()[title]).updates) is not None


def located(edit: Edit, backend: str) -> tuple[FirstDivergence | None, set[str]]:
    """(the first divergence of the first plan that has one, where the edit may show in it); the edit is planted."""
    for title in plans():
        expected = paths(edit, backend, title)
        if expected and shows(title, expected) and (divergence := first_divergence(results(title))):
            return divergence, expected
    return None, set()


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_backends_never_diverge(persona):
    result = localize(**vars(plan_target(plans()[persona])))
    assert result.first_divergence is None, result.sentence()
    assert result.unpaired == ()
    # Integers have no slope: what a layer counts is compared by its cases, and by the layers that read it here.
    for call in result.calls:
        assert not (call.reason or call.missing) or call.reason.startswith(("MLX returns int", "MLX returns uint"))
    assert {"vocabulary.embed", "blocks.0.mixer.heads #2", "blocks.0", "optimizer.apply", "trainer.step"} <= {
        call.name for call in result.calls
    }


# By default the first fault of every sixth module; where the others show follows from their records alike.
@pytest.mark.parametrize("name", thinned(one_each(IN_TRAINING, lambda name: NAMES[name][0].module), 6))
def test_a_planted_fault_is_located(name):
    fault, backend = NAMES[name]
    if not any(paths(fault, backend, title) for title in plans()):
        assert fault.check.partition(":")[0] not in PLAN_CHECKS
        pytest.skip(f"{fault.module} has no layer in a training step: the cases catch its faults")
    with fault.planted(backend):
        divergence, expected = located(fault, backend)
    assert divergence is not None, f"{name} shows nowhere"
    assert divergence.path in expected, f"expected in {expected}: {divergence.sentence()}"
    assert (divergence.stage == "update") is (divergence.path in UPDATES)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, (fault, _) in NAMES.items() if fault.outside_training])
def test_a_fault_outside_of_training_shows_in_no_training_step(name):
    fault, backend = NAMES[name]
    with fault.planted(backend):
        divergence, _ = located(fault, backend)
    assert divergence is None, divergence.sentence()


@pytest.mark.parametrize("name", every(8, list(HARMLESS)))
def test_a_harmless_rewrite_makes_nothing_diverge(name):
    rewrite, backend = HARMLESS[name]
    title = next(title for title in plans() if paths(rewrite, backend, title))
    with rewrite.planted(backend):
        divergence = first_divergence(results(title, updates=paths(rewrite, backend, title) <= set(UPDATES)))
    assert divergence is None, divergence.sentence()
