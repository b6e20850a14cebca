"""The trainers' optimizers alone: rules, decay and clipping over 50 steps, against the reference.

Both backends get the same 50 random gradients, some beyond the clipping norm. The oracle is
`lyceum.personas.model.optimizer` in float64; the bound is its deviation under random rounding
(`parity.bounds.rounding`), with the bias corrections rounded too, since MLX computes them in working precision.

Clip and decay aside, AdamW treats every element alike. So it is computed on two long arrays, all that decays and all
that does not, and cut into parameters afterwards: the same roundings in a tenth of the operations. Hidden matrices with
another rule are taken one by one. As the gradients are given, rounding decides no mask of A7 here
(`parity.bounds.decisions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import product

import numpy as np
import torch
from torch import Tensor

from lyceum.personas import Plan
from lyceum.personas.model import optimizer
from lyceum.personas.model.adamw import adamw, clipped
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
            state = {name: x.astype(np.float64) for name, x in trainer.read().items() if parameter_of(name) in given}
            states |= {f"{name} @{t + 1}": x for name, x in state.items()}
    return states


def defined(plan: Plan, initial: Arrays, gradients: list[Arrays], marks: tuple[int, ...]) -> dict[str, Tensor]:
    """The reference in float64: "<name in a checkpoint> @<step>" -> value, at the marks."""
    recipe, states = plan.recipe, {}
    parameters = joined(plan, doubled(initial)).items()
    # By the name of a hidden matrix; what AdamW has joined has none.
    state = {
        key: (p, *optimizer.moments(key if isinstance(key, str) else "", p, plan).values()) for key, p in parameters
    }
    for t, given in enumerate(gradients):
        pushes = joined(plan, clipped(doubled(given), recipe.clip_norm))
        step, lr = torch.tensor(t + 1.0, dtype=torch.float64), recipe.learning_rate(t)
        state = {
            key: recipe.hidden.update(*values, pushes[key], lr)
            if isinstance(key, str)
            else adamw(*values, pushes[key], step, lr, recipe, recipe.weight_decay if key else 0.0)
            for key, values in state.items()
        }
        if t + 1 in marks:
            by_name = saved(plan, separated(plan, state, initial))
            states |= {f"{name} @{t + 1}": value for name, value in by_name.items()}
    return states


def doubled(values: Arrays) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value).double() for name, value in values.items()}


def joined(plan: Plan, values: dict[str, Tensor]) -> dict[bool | str, Tensor]:
    """{whether it decays: all such values of AdamW's, one after the other (n,)}, and hidden matrices by their names."""
    hidden = {name: value for name, value in values.items() if plan.is_hidden(name, value)}
    pieces = {}
    for name, value in values.items():
        if name not in hidden:
            pieces.setdefault(plan.decays(value), []).append(value.flatten())
    return {decays: torch.cat(some) for decays, some in pieces.items()} | hidden


def separated(plan: Plan, state: dict[bool | str, tuple], like: Arrays) -> dict[str, tuple]:
    """The state {parameter: (p, m, v) or (W, M, ...)} of one that was joined, with the names and shapes of `like`."""
    parts = {key: values for key, values in state.items() if isinstance(key, str)}
    for decays in (key for key in state if key not in parts):
        members = {name: p for name, p in like.items() if name not in parts and plan.decays(p) == decays}
        pieces = [x.split([p.size for p in members.values()]) for x in state[decays]]
        for name, *one in zip(members, *pieces, strict=True):
            parts[name] = tuple(x.view(members[name].shape) for x in one)
    return {name: parts[name] for name in like}


def saved(plan: Plan, state: dict[str, tuple]) -> dict[str, Tensor]:
    """The state of `lyceum.personas.model.optimizer.update`, {parameter: (p, m, v) or (W, M, ...)}.

    By its names in a checkpoint.
    """
    by_name = {}
    for name, (p, *moments) in state.items():
        by_name[f"model.{name}"] = p
        for key, x in zip(optimizer.moments(name, p, plan), moments, strict=True):
            by_name[f"optimizer.{key}.{name}"] = x
    return by_name
