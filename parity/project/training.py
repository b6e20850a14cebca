"""Training runs: the loss at every one of 500 steps, checkpoints from backend to backend.

**A run.** Training can multiply differences; by how much depends on the run, so that growth is the yardstick. Control
runs of the PyTorch backend start from initial values moved by one ulp, each element up or down at random; with
d_k(t) the distance of the loss of control k from that of the unmoved run,

    envelope(t) = MARGIN (rho + max_k max_{s <= t} d_k(s)),

rho the deviation of the first loss under random rounding. The running maximum is taken because a control may cross the
run by accident. The other backend's loss must stay inside at every step: outside, it is not rounding. The same is
done in float64, with the float64 ulp and MLX in exact mode; there the envelope must also stay under 1e-10 of the loss.

An envelope that grew as fast as chaos would excuse everything. Measured on the tiny plans, as a share of the loss:

    step                   1        10       100      500
    baseline   float32     4e-6     5e-6     6e-6     6e-6        float64     8e-15    9e-15    9e-15    1e-14
    aristotle  float32     3e-6     3e-6     5e-6     5e-6        float64     6e-15    8e-15    8e-15    1e-14

It does not: a step of Adam is at most about lr in every element, whatever the gradient, and the runs are short. A
decay, beta, rate or eps that is slightly off leaves the float64 envelope at the second or third step; the float32 one
within 100 steps or, if it is off by a part in 10,000, not before the 110th. That is why both are run.

**Checkpoints.** The state after half the steps crosses to the other backend, must come back bit for bit, and the run it
continues there must stay inside the same envelope around the uninterrupted one.

The optimizer by itself, step for step: `parity.project.optimizer_steps`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import torch

from lyceum.corpus import Corpus, batches
from lyceum.personas import Plan
from parity.bounds.decisions import Watch, decides, divergences, reversing
from parity.bounds.envelope import CONTROLS, allowed_distance, narrow, worst_step
from parity.bounds.rounding import MARGIN, UNIT, deviations
from parity.float64 import exact
from parity.project.optimizer_steps import check as check_trainer_optimizers
from parity.project.tiny_models import tiny_corpus, trained_plans
from parity.project.trainers import BACKENDS, make, moved, run
from parity.results.verdict import Verdict, compare
from torch_ref.model import Model, load_parameters

STEPS = 500


def first_loss_deviation(plan: Plan, corpus: Corpus) -> float:
    """rho: the deviation of the first batch's loss under random rounding at u = 2^-24."""
    model = Model(plan)
    load_parameters(model, plan.initial(0))
    model.double()
    ids, targets = batches.train_batch(corpus, 0, 0, plan.fixed.batch_size, plan.fixed.block_size)
    ids, targets = torch.tensor(ids, dtype=torch.int64), torch.tensor(targets, dtype=torch.int64)
    noise = {site: torch.from_numpy(mask).double() for site, mask in plan.noise(0, 0).items()}
    with torch.no_grad():
        return deviations(lambda: {"loss": model.losses(ids, targets, noise).mean()})["loss"]


def envelope(plan: Plan, corpus: Corpus, dtype: str, reference: np.ndarray) -> np.ndarray:
    """The distance (steps,) allowed from the PyTorch backend's losses `reference` (steps,)."""
    steps = range(len(reference))
    controls = (run(moved(make("torch", plan, dtype), dtype, k), plan, corpus, steps) for k in range(CONTROLS))
    rho = first_loss_deviation(plan, corpus) * UNIT[dtype] / UNIT["float32"]
    return allowed_distance(reference, controls, rho)


def reversals(plan: Plan, corpus: Corpus, dtype: str, reference: np.ndarray) -> np.ndarray:
    """The distance (steps,) allowed besides, once two runs differ in decisions near G = 0; see `decisions`."""
    if not decides(plan) or dtype == "float64":
        return np.zeros(len(reference))
    control = run(reversing(make("torch", plan, dtype), plan), plan, corpus, range(len(reference)))
    return MARGIN * np.maximum.accumulate(np.abs(control - reference))


def trajectories(plan: Plan, corpus: Corpus, dtype: str, steps: int) -> list[Verdict]:
    """MLX's losses against PyTorch's, and both ways of continuing a checkpoint in the other backend."""
    # A list, not a generator: one that is left half-way would leave the exact mode on.
    with exact() if dtype == "float64" else nullcontext():
        return list(_trajectories(plan, corpus, dtype, steps))


def _trajectories(plan: Plan, corpus: Corpus, dtype: str, steps: int) -> Iterator[Verdict]:
    case, half = f"training: {plan.title}", steps // 2
    losses, states, watches = {}, {}, {}
    for backend in BACKENDS:
        trainer = make(backend, plan, dtype)
        watches[backend] = Watch(plan, trainer)
        before = run(trainer, plan, corpus, range(half), watch=watches[backend])
        states[backend] = trainer.read()
        after = run(trainer, plan, corpus, range(half, steps), watch=watches[backend])
        losses[backend] = np.concatenate([before, after])
    reference = losses["torch"]
    allowed, besides = (bound(plan, corpus, dtype, reference) for bound in (envelope, reversals))

    def verdict(variant: str, got: np.ndarray, watch: Watch) -> Verdict:
        count, first = divergences(watch, watches["torch"])
        bounds = allowed if first is None else allowed + np.where(np.arange(steps) < first, 0, besides)
        more = f"; {count} decisions near G = 0 differ, at step {first} first" if count else ""
        begin = steps - len(got)
        return worst_step(case, f"{variant} {dtype}", got, reference[begin:], bounds[begin:], begin, more)

    if dtype == "float64":
        yield narrow(case, dtype, reference, allowed)
    yield verdict("mlx", losses["mlx"], watches["mlx"])
    for giver, taker in (("torch", "mlx"), ("mlx", "torch")):
        trainer = make(taker, plan, dtype, seed=1)
        trainer.write(states[giver])
        yield from unchanged(case, f"{giver} to {taker} {dtype}", trainer.read(), states[giver])
        watch = watches[giver].continued(half, trainer)
        continued = run(trainer, plan, corpus, range(half, steps), watch=watch)
        yield verdict(f"{giver} to {taker}", continued, watch)


def unchanged(
    case: str, variant: str, got: dict[str, np.ndarray], expected: dict[str, np.ndarray]
) -> Iterator[Verdict]:
    """The state that came back, bit for bit: the greatest difference over all arrays, allowed 0."""
    if got.keys() != expected.keys():
        lost = f"only one side has {sorted(got.keys() ^ expected.keys())}"
        yield compare(case, variant, "checkpoint", np.array(np.nan), np.array(0.0), 0.0, lost)
        return
    differ = [name for name in expected if not np.array_equal(got[name], expected[name])]
    derivation = "bit for bit" + (f"; {differ[0]} differs" if differ else "")
    yield compare(case, variant, "checkpoint", np.array(float(len(differ))), np.array(0.0), 0.0, derivation)


def verdicts(steps: int = STEPS) -> Iterator[Verdict]:
    """Every verdict of this module on the tiny plans of the personas and of other rules of update."""
    corpus = tiny_corpus()
    for plan in trained_plans(steps).values():
        yield from check_trainer_optimizers(plan)
        for dtype in ("float64", "float32"):
            yield from trajectories(plan, corpus, dtype, steps)
