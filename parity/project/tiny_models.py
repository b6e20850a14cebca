"""Tiny models of every persona and composition, on which training runs are compared in seconds.

Only the sizes differ from a full model: 97 ids, blocks of 16, two layers of width 16; modules, recipe and dropout are
the persona's. Tables of 2,000 rows for so few ids would not only be slow: MLX adds 60,000 squares one after the other,
in float64 2e-14 off and always to the same side, so that 50 clipped steps do not average it away as
`parity.bounds.rounding` supposes. Each system has tiny tables (`System.tiny_tables`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from lyceum import personas
from lyceum.contract import Fixed
from lyceum.corpus import Corpus
from lyceum.personas import Persona, Plan, System
from lyceum.personas.spec import tiny
from lyceum.personas.spec.skeleton import OBJECTIVES
from lyceum.personas.spec.system import changes
from lyceum.rng import stream


def tiny_sizes(steps: int) -> Fixed:
    """Sizes for a run of `steps` iterations."""
    return Fixed(
        batch_size=4, block_size=16, n_layer=2, n_head=4, n_embd=16, max_iters=steps, eval_interval=10, eval_batches=1
    )


def tiny_plan(
    name: str, steps: int = 200, systems: Iterable[str] | None = None, tables: dict[str, np.ndarray] | None = None
) -> Plan:
    """The plan of persona `name` with tiny sizes and a vocabulary of 97 ids.

    systems: None takes its default. tables: more than the systems' tiny ones.
    """
    plan = personas.plan(name, tiny_sizes(steps), None, tiny_tables(name) | (tables or {}), systems)
    modules = {
        module: spec.with_tiny_vocabulary() if hasattr(spec, "with_tiny_vocabulary") else spec
        for module, spec in plan.modules.items()
    }
    return replace(plan, modules=modules)


def tiny_tables(name: str) -> dict[str, np.ndarray]:
    """The tables of every system of persona `name` that has some, for 97 ids."""
    return {
        f"{system.name}.{table}": array
        for system in personas.find(name).systems
        for table, array in system.tiny_tables().items()
    }


def continued(persona: Persona, system: System, steps: int) -> Plan:
    """The default on a second text: `system` restrains it by weights, and by scores of the first text, that are drawn.

    Its run is not one that `lyceum retain` has begun, so its initial values are not those weights.
    """
    parameters, generator = tiny_plan(persona.name, steps).initial(1), stream(0, "first text")
    scores = [{name: _sparse(generator, x.shape) for name, x in parameters.items()} for _ in range(2)]
    tables = {f"weights.{name}": x for name, x in parameters.items()} | system.retain.measure(scores, 1)
    tables |= {"strength": np.float32(system.retain.strength)}
    named = {f"{system.name}.{name}": table for name, table in tables.items()}
    return tiny_plan(persona.name, steps, (*persona.default, system.name), named)


def _sparse(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A score that is 0 in half of its rows."""
    score = np.asarray(generator.normal(0, 0.3, shape))
    if shape:
        score[generator.random(len(score)) < 0.5] = 0
    return score


def tiny_plans(steps: int = 200) -> dict[str, Plan]:
    """Each persona's tiny plan, then those one change away from it, by title."""
    plans = [tiny_plan(name, steps) for name in personas.PERSONAS]
    for persona in personas.PERSONAS.values():
        plans += [tiny_plan(persona.name, steps, names) for names in changes(persona).values()]
        plans += [continued(persona, system, steps) for system in persona.systems if system.retain]
    return {plan.title: plan for plan in plans}


def compact(plan: Plan) -> Plan:
    """The plan with two sequences a batch, and as few blocks as show each of its layers.

    Modules that the blocks take in turn need a block each, and two matrices of one shape a rule for hidden matrices:
    it updates them as a stack. A model that grows needs a block that is there and one that waits.
    """
    turns = [len(spec) for spec in plan.modules.values() if isinstance(spec, tuple)]
    more = plan.recipe.hidden is not None or plan.recipe.growth is not None
    n_layer = max([*turns, 2 if more else 1])
    return replace(plan, fixed=replace(plan.fixed, n_layer=n_layer, batch_size=2))


def trained_plans(steps: int = 200) -> dict[str, Plan]:
    """The tiny plans that are trained over many steps, by title: defaults, and each other recipe or objective."""
    chosen: dict[str, Plan] = {}
    for title, plan in tiny_plans(steps).items():
        trained = [_training(other) for other in chosen.values() if other.persona == plan.persona]
        if plan.systems == plan.persona.default or _training(plan) not in trained:
            chosen[title] = plan
    return chosen


def _training(plan: Plan) -> tuple:
    """What a plan is trained by, apart from its model."""
    return plan.recipe, *(plan.modules.get(name) for name in OBJECTIVES)


def tiny_corpus() -> Corpus:
    """The tiny text of `lyceum.personas.spec.tiny` as a corpus."""
    return Corpus(*tiny.text(), "a Markov chain over 97 ids")
