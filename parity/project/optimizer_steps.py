"""The trainers' optimizers alone: rules, decay and clipping over 50 steps, against the reference.

Both backends get the same 50 random gradients, some beyond the clipping norm. The oracle is
`lyceum.personas.model.optimizer` in float64; the bound is its deviation under random rounding
(`parity.bounds.rounding`), with the bias corrections rounded too, since MLX computes them in working precision.

Within a group (`Plan.group`) AdamW treats every element alike. So each group is computed as one long array, and cut
into parameters afterwards: the same roundings in a tenth of the operations. Hidden matrices with another rule are taken
one by one. As the gradients are given, rounding decides no mask of A7 here (`parity.bounds.decisions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from torch import Tensor

from lyceum.personas import Plan
from lyceum.personas.model import optimizer
from lyceum.personas.spec.plan import GROUPS
from lyceum.rng import stream
from parity.bounds.rounding import Deviations, allowance, retry_with_more_samples
from parity.float64 import exact
from parity.project.trainers import BACKENDS, make
from parity.results.verdict import Verdict, compare

Arrays = dict[str, np.ndarray]


def check(plan: Plan, steps: int = 50, seed: int = 0) -> Iterator[Verdict]:
    """Both backends' parameters and moments after 1, 2 and `steps` updates from the gradients that `seed` draws."""
    marks, initial = (1, 2, steps), {name: p for name, p in plan.initial(0).items() if not untouched(plan, name)}
    gradients = [drawn_gradients(initial, seed, t) for t in range(steps)]
    rounded = Deviations(lambda: defined(plan, initial, gradients, marks))
    variants = list(product(BACKENDS, ("float64", "float32")))
    got = {variant: trained(*variant, plan, gradients, marks) for variant in variants}

    def verdicts(deviation: dict[str, float]) -> Iterator[Verdict]:
        for (backend, dtype), states in got.items():
            for key, value in states.items():
                case, oracle = f"optimizer: {plan.title}", rounded.exact[key].numpy()
                yield compare(case, f"{backend} {dtype}", key, value, oracle, *allowance(deviation[key], dtype))

    yield from retry_with_more_samples(rounded, verdicts)


def untouched(plan: Plan, name: str) -> bool:
    """Whether a parameter is not the optimizer's: a router bias, or of a block that waits."""
    return name in plan.router_biases() or plan.waits(name)


def parameter_of(name: str) -> str:
    """The parameter of an array in a checkpoint: "model.norm.weight" and "optimizer.m.norm.weight" -> "norm.weight"."""
    part, _, rest = name.partition(".")
    return rest if part == "model" else rest.partition(".")[2]


def drawn_gradients(parameters: Arrays, seed: int, t: int) -> Arrays:
    """Random gradients of step t."""
    return {
        name: stream(seed, f"gradient/{name}", t).normal(0, 0.3 / (1 + t % 5) ** 3, p.shape).astype(np.float32)
        for name, p in parameters.items()
    }


def trained(backend: str, dtype: str, plan: Plan, gradients: list[Arrays], marks: tuple[int, ...]) -> Arrays:
    """What a backend's trainer makes of the gradients: "<name in a checkpoint> @<step>" -> value, at the marks."""
    trainer, states = make(backend, plan, dtype), {}
    for t, given in enumerate(gradients):
        with exact() if dtype == "float64" else nullcontext():
            trainer.apply(given, plan.recipe.learning_rate(t))
        if t + 1 in marks:
            read, compared = trainer.read().items(), {*given, *GROUPS}
            state = {name: x.astype(np.float64) for name, x in read if parameter_of(name) in compared}
            states |= {f"{name} @{t + 1}": x for name, x in state.items()}
    return states


def defined(plan: Plan, initial: Arrays, gradients: list[Arrays], marks: tuple[int, ...]) -> dict[str, Tensor]:
    """The reference in float64: "<name in a checkpoint> @<step>" -> value, at the marks."""
    plan = in_torch(plan, lambda tables: joined(plan, {name: tables[name] for name in initial}))
    state, states = optimizer.start(plan, joined(plan, doubled(initial))), {}
    for t, given in enumerate(gradients):
        step, lr = torch.tensor(t + 1.0, dtype=torch.float64), plan.recipe.learning_rate(t)
        state = optimizer.update(state, joined(plan, doubled(given)), step, lr, plan)
        if t + 1 in marks:
            by_name = saved(plan, separated(plan, state, initial))
            states |= {f"{name} @{t + 1}": value for name, value in by_name.items()}
    return states


def in_torch(plan: Plan, arranged: Callable[[dict], dict] = dict) -> Plan:
    """The plan with what it retains of a first text as tensors, so that random rounding reaches it.

    arranged: what is made of arrays by parameter.
    """
    if "retain" not in plan.modules:
        return plan
    spec = plan.modules["retain"]
    by_parameter = {name: doubled(x) for name, x in vars(spec).items() if isinstance(x, dict)}
    tables = {name: _arranged(x, spec.weights, arranged) for name, x in by_parameter.items()}
    return replace(plan, modules=plan.modules | {"retain": replace(spec, **tables)})


def _arranged(tables: dict[str, Tensor], weights: Arrays, arranged: Callable[[dict], dict]) -> dict[str, Tensor]:
    """What is made of arrays by parameter; if they are several along a last axis, of one after the other."""
    if all(x.shape == weights[name].shape for name, x in tables.items()):
        return arranged(tables)
    slices = zip(*(x.unbind(-1) for x in tables.values()), strict=True)
    each = [arranged(dict(zip(tables, one, strict=True))) for one in slices]
    return {name: torch.stack([one[name] for one in each], -1) for name in each[0]}


def doubled(values: Arrays) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value).double() for name, value in values.items()}


def alike(plan: Plan, values: dict) -> dict[str, list[str]]:
    """{the first of some parameters: their names}: the groups that follow AdamW."""
    groups = (list(members) for members in plan.grouped(values).values())
    return {some[0]: some for some in groups if not plan.is_hidden(some[0], values[some[0]])}


def joined(plan: Plan, values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Parameters that are alike as one, (n,) or a column if it decays, by the first one's name; others as they are."""
    together = dict(values)
    for first, some in alike(plan, values).items():
        shape = (-1, 1) if plan.decays(values[first]) else (-1,)
        together[first] = torch.cat([together.pop(name).reshape(shape) for name in some])
    return together


def separated(plan: Plan, state: dict[str, tuple], like: Arrays) -> dict[str, tuple]:
    """The state of parameters that were joined, with the names and shapes of `like`; that of groups as it is."""
    parts = dict(state)
    for first, some in alike(plan, like).items():
        pieces = [x.flatten().split([like[name].size for name in some]) for x in state[first]]
        for name, *one in zip(some, *pieces, strict=True):
            parts[name] = tuple(x.view(like[name].shape) for x in one)
    return parts


def saved(plan: Plan, state: dict[str, tuple]) -> dict[str, Tensor]:
    """The state of `lyceum.personas.model.optimizer` by its names in a checkpoint."""
    by_name = {}
    for name, values in state.items():
        if name in GROUPS:
            keys = [f"optimizer.{key}" for key in plan.recipe.rates.fresh(0, 0)]
        else:
            keys = ["model", *(f"optimizer.{key}" for key in optimizer.moments(name, values[0], plan))]
        by_name |= {f"{key}.{name}": x for key, x in zip(keys, values, strict=True)}
    return by_name
