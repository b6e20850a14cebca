"""Whole training runs: the optimizer over 50 steps, the loss at every step, checkpoints from wing to wing.

**The optimizer alone.** Both wings' AdamW get the same 50 random gradients, some beyond the clipping norm. The oracle
is `personas.adamw` in float64; the bound is its own spread under random rounding (`parity.rounding`), with the bias
corrections rounded too, since MLX computes them in working precision.

**A run.** Training multiplies small differences: two float32 runs that start one unit in the last place apart part by
far more after 200 steps. That growth is the yardstick. Control runs of the PyTorch wing start from initial values
moved by one ulp, each element up or down at random; with d_k(t) the distance of control k's loss from the unmoved
run's,

    envelope(t) = MARGIN (rho + max_k max_{s <= t} d_k(s)),

rho the spread of the first loss under random rounding. The running maximum is taken because a control may cross the
run by accident. The other wing's loss must stay inside at every step: outside, it is not rounding. The same is done in
float64, with the float64 ulp and MLX in exact mode.

**Checkpoints.** The state after half the steps crosses to the other wing, must come back bit for bit, and the run it
continues there must stay inside the same envelope around the uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import product

import numpy as np
import torch

import mlx_impl.trainer
import torch_ref.trainer
from corpus import Corpus, batches
from corpus.chance import stream
from parity.exact import exact
from parity.rounding import MARGIN, UNIT, allowance, spreads
from parity.verdict import Verdict, compare
from personas import Plan
from personas.adamw import update
from torch_ref.model import Model, load_parameters

CONTROLS = 3
WINGS = {"torch": torch_ref.trainer.Trainer, "mlx": mlx_impl.trainer.Trainer}


def make(wing: str, plan: Plan, dtype: str, seed: int = 0):
    """A wing's trainer on the CPU, where every wing has float64."""
    return WINGS[wing](plan, seed, "cpu", dtype)


def run(trainer, plan: Plan, corpus: Corpus, steps: range, seed: int = 0) -> np.ndarray:
    """Train for the iterations `steps`; the loss of each, float64."""
    losses, sizes = [], (plan.fixed.batch_size, plan.fixed.block_size)
    for t in steps:
        batch = batches.train_batch(corpus, seed, t, *sizes)
        losses.append(float(trainer.step(*batch, plan.noise(seed, t), plan.recipe.learning_rate(t))))
    return np.array(losses)


def moved(trainer, dtype: str, seed: int):
    """The trainer with every model parameter moved by one ulp, up or down at random."""
    state, generator = trainer.read(), stream(seed, "one-ulp")
    for name, value in state.items():
        if name.startswith("model."):
            towards = np.where(generator.random(value.shape) < 0.5, -np.inf, np.inf).astype(dtype)
            state[name] = np.nextafter(value.astype(dtype), towards)
    trainer.write(state)
    return trainer


def first_loss_spread(plan: Plan, corpus: Corpus) -> float:
    """rho: the spread of the first batch's loss under random rounding at u = 2^-24."""
    model = Model(plan)
    load_parameters(model, plan.initial(0))
    model.double()
    ids, targets = batches.train_batch(corpus, 0, 0, plan.fixed.batch_size, plan.fixed.block_size)
    ids, targets = torch.tensor(ids, dtype=torch.int64), torch.tensor(targets, dtype=torch.int64)
    noise = {site: torch.from_numpy(mask).double() for site, mask in plan.noise(0, 0).items()}
    with torch.no_grad():
        return spreads(lambda: {"loss": model.losses(ids, targets, noise).mean()})["loss"]


def envelope(plan: Plan, corpus: Corpus, dtype: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """(the PyTorch wing's losses, the distance allowed from them), (steps,) each."""
    reference = run(make("torch", plan, dtype), plan, corpus, range(steps))
    controls = (run(moved(make("torch", plan, dtype), dtype, k), plan, corpus, range(steps)) for k in range(CONTROLS))
    distance = np.maximum.accumulate(np.max([np.abs(control - reference) for control in controls], axis=0))
    rho = first_loss_spread(plan, corpus) * UNIT[dtype] / UNIT["float32"]
    return reference, MARGIN * (rho + distance)


def worst_step(
    case: str, leg: str, got: np.ndarray, expected: np.ndarray, allowed: np.ndarray, first: int = 0
) -> Verdict:
    """The verdict at the step where the loss comes nearest to its bound, or furthest beyond."""
    distance = np.abs(got - expected)
    t = int(np.argmax(np.where(np.isnan(distance), np.inf, distance) / allowed))
    derivation = f"step {first + t}: {MARGIN:g} x (rounding of a loss + furthest of {CONTROLS} one-ulp controls so far)"
    return compare(case, leg, f"loss, {len(got)} steps", got[t], expected[t], allowed[t], derivation)


def trajectories(plan: Plan, corpus: Corpus, dtype: str, steps: int) -> list[Verdict]:
    """MLX's losses against PyTorch's, and both ways of continuing a checkpoint in the other wing."""
    # A list, not a generator: one that is left half-way would leave the exact mode on.
    with exact() if dtype == "float64" else nullcontext():
        return list(_trajectories(plan, corpus, dtype, steps))


def _trajectories(plan: Plan, corpus: Corpus, dtype: str, steps: int) -> Iterator[Verdict]:
    case, half, states = f"training: {plan.name}", steps // 2, {}
    reference, allowed = envelope(plan, corpus, dtype, steps)
    for wing in WINGS:
        trainer = make(wing, plan, dtype)
        losses = run(trainer, plan, corpus, range(half))
        states[wing] = trainer.read()
        losses = np.concatenate([losses, run(trainer, plan, corpus, range(half, steps))])
        yield worst_step(case, f"{wing} {dtype}", losses, reference, allowed)
    for giver, taker in (("torch", "mlx"), ("mlx", "torch")):
        trainer = make(taker, plan, dtype, seed=1)
        trainer.write(states[giver])
        leg = f"{giver} to {taker} {dtype}"
        yield from unchanged(case, leg, trainer.read(), states[giver])
        losses = run(trainer, plan, corpus, range(half, steps))
        yield worst_step(case, leg, losses, reference[half:], allowed[half:], first=half)


def unchanged(case: str, leg: str, got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> Iterator[Verdict]:
    """The state that came back, bit for bit: the greatest difference over all arrays, allowed 0."""
    if got.keys() != expected.keys():
        lost = f"{sorted(got.keys() ^ expected.keys())} stand on one side only"
        yield compare(case, leg, "checkpoint", np.array(np.nan), np.array(0.0), 0.0, lost)
        return
    differ = [name for name in expected if not np.array_equal(got[name], expected[name])]
    derivation = "bit for bit" + (f"; {differ[0]} differs" if differ else "")
    yield compare(case, leg, "checkpoint", np.array(float(len(differ))), np.array(0.0), 0.0, derivation)


def saved(state: dict[str, tuple]) -> dict[str, torch.Tensor]:
    """The state of `personas.adamw.update`, {parameter: (p, m, v)}, by its names in a checkpoint."""
    places = ("model", "optimizer.m", "optimizer.v")
    return {
        f"{place}.{name}": value for name, values in state.items() for place, value in zip(places, values, strict=True)
    }


def optimizer(plan: Plan, steps: int = 50) -> Iterator[Verdict]:
    """Both wings' parameters and moments after 1, 2 and `steps` updates from the same random gradients."""
    marks = (1, 2, steps)
    initial = plan.initial(0)
    gradients = [
        {
            name: stream(t, f"gradient/{name}").normal(0, 0.3 / (1 + t % 5) ** 3, p.shape).astype(np.float32)
            for name, p in initial.items()
        }
        for t in range(steps)
    ]

    def defined() -> dict[str, torch.Tensor]:
        state = {
            name: (torch.from_numpy(p).double(), *torch.zeros(2, *p.shape).double()) for name, p in initial.items()
        }
        kept = {}
        for t in range(steps):
            given = {name: torch.from_numpy(g).double() for name, g in gradients[t].items()}
            step = torch.tensor(t + 1.0, dtype=torch.float64)
            state = update(state, given, step, plan.recipe.learning_rate(t), plan.recipe, plan.decays)
            if t + 1 in marks:
                kept |= {f"{name} @{t + 1}": value for name, value in saved(state).items()}
        return kept

    oracle, spread = defined(), spreads(defined)
    for wing, dtype in product(WINGS, ("float64", "float32")):
        trainer = make(wing, plan, dtype)
        for t in range(steps):
            with exact() if dtype == "float64" else nullcontext():
                trainer.apply(gradients[t], plan.recipe.learning_rate(t))
            if t + 1 in marks:
                state = {f"{name} @{t + 1}": value for name, value in trainer.read().items() if value.ndim}
                for key, value in state.items():
                    got, expected = value.astype(np.float64), oracle[key].numpy()
                    allowed = allowance(spread[key], dtype)
                    yield compare(f"adamw: {plan.name}", f"{wing} {dtype}", key, got, expected, *allowed)


def verdicts(names: tuple[str, ...], steps: int = 200) -> Iterator[Verdict]:
    """Every verdict of this module on the small plans of the personas `names`."""
    from parity.small import small_corpus, small_plan

    for name in names:
        plan, corpus = small_plan(name, steps), small_corpus()
        yield from optimizer(plan)
        for dtype in ("float64", "float32"):
            yield from trajectories(plan, corpus, dtype, steps)
