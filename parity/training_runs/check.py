"""`parity.check_training`: do two training loops, each in its framework, learn the same?

    parity.check_training(
        mlx_model, torch_model, [(8, 16), parity.integers((8,), below=10)],
        mlx_trainer=mlx_trainer, torch_trainer=torch_trainer, steps=20,
    )

Both loops (`parity.training_runs.run` says what a trainer is) start from PyTorch's parameters and see the same batches.
Training can multiply differences; by how much depends on the run, so the yardstick is the run: controls of PyTorch's
loop start one unit in the last digit away, and MLX's loss must stay inside their envelope at every step, as must every
parameter after the last one (`parity.bounds.envelope`). A decay, a rate or a constant that is slightly off leaves the
float64 envelope within a few steps, a forgotten zero_grad at the second; float32 shows what is in use.

A parameter that the controls carry as far apart as training moves it (the bias of keys, which attention does not see)
cannot be compared, and is reported as a limitation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from mlx import nn as mlx_nn
from torch import nn as torch_nn

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.bounds.envelope import Arrays, allowed_distance, decided, narrow, worst_step
from parity.bounds.rounding import MARGIN, SAMPLES, UNIT, Deviations, retry_with_more_samples
from parity.compare.check import precisions
from parity.compare.inputs import arguments
from parity.compare.pair import Pair
from parity.compare.pairing import paired
from parity.compare.usage import explained
from parity.compare.weights import valued
from parity.results.findings import Findings
from parity.results.verdict import Verdict, compare, magnitude
from parity.sides.test_point import Point
from parity.training_runs.run import MlxRunner, Run, TorchRunner


def check_training(
    mlx: mlx_nn.Module,
    torch: torch_nn.Module,
    inputs: Any,
    *,
    mlx_trainer: Callable,
    torch_trainer: Callable,
    steps: int = 20,
    names: Any = None,
    parameters: Arrays | None = None,
    dtypes: tuple[str, ...] = ("float64", "float32"),
    seed: int = 0,
    name: str | None = None,
) -> Findings:
    """Compare two training loops over `steps` steps; a verdict for the losses and for every parameter and precision.

    mlx, torch: the models, which are not changed: every run trains a copy. names, parameters: as in `parity.check`.
    inputs: what a batch is made of, as `parity.check` takes it, drawn anew for every step; a function of a generator
        returns the batch of the next step, so it may read batches of the user's.
    mlx_trainer, torch_trainer: model -> step; step(*batch) -> the loss, a single number. It makes the optimizer.
    dtypes: of float64, float32.

    Raises UsageError, one sentence, for what cannot be compared.
    """
    if not isinstance(steps, int) or steps < 2:
        raise UsageError(
            f"steps is {steps!r}: give how many to take, at least 2, as a first step hides what is summed."
        )
    for model, module, backend in ((mlx, mlx_nn.Module, "mlx"), (torch, torch_nn.Module, "torch")):
        if not isinstance(model, module):
            raise UsageError(f"{backend} is of {type(model)}: give an object of {backend}.nn.Module.")
    pair = paired(mlx, torch, None, names, None, None, name)
    generator = stream(seed, f"parity/training/{pair.name}")
    start = valued(pair, parameters, generator)
    batches = [arguments(inputs, generator) for _ in range(steps)]
    case = f"training: {pair.name}"
    with explained(f"{case}: PyTorch's loop", Point({}, batches[0], {}, {})):
        theirs = TorchRunner(torch, torch_trainer, start, batches[0])
        rounded = Deviations(lambda: theirs.first_loss(batches[0]))
    ours = MlxRunner(mlx, mlx_trainer)
    verdicts: list[Verdict] = []
    for dtype in precisions(dtypes, ("float64", "float32")):
        verdicts += compared(case, pair, theirs, ours, batches, dtype, rounded)
    return Findings(case, tuple(verdicts), tuple(pair.names.described()), tuple(notes(verdicts)))


def compared(
    case: str,
    pair: Pair,
    theirs: TorchRunner,
    ours: MlxRunner,
    batches: list[tuple],
    dtype: str,
    rounded: Deviations,
) -> list[Verdict]:
    """Every verdict in one precision. rounded: the first loss."""
    constants = pair.torch.buffers()

    def carried(state: Arrays) -> Arrays:
        return pair.names.to_mlx(constants | state)

    begin = carried(theirs.start)
    runs = []
    for backend, run, start in (("PyTorch", theirs.run, theirs.start), ("MLX", ours.run, begin)):
        with explained(f"{case}: {backend}'s loop", Point({}, batches[0], {}, {})):
            runs.append(repeated(f"{case}: {backend}", lambda of, run=run, at=start: run(at, of, dtype), batches))
    expected, got = runs
    if not np.isfinite(expected.losses).all():
        step = int(np.argmin(np.isfinite(expected.losses)))
        raise UsageError(f"{case}: PyTorch's loss is {expected.losses[step]} at step {step}: lower the learning rate.")
    after = carried(expected.state)
    controls: list[Run] = []

    def verdicts(deviation: dict) -> Iterator[Verdict]:
        rho = deviation["loss"] * UNIT[dtype] / UNIT["float32"]
        # As many more as there are, until there are enough: like the samples of the rounding.
        for _ in range(min(len(controls) or 1, SAMPLES - len(controls))):
            controls.append(theirs.control(len(controls), batches, dtype))
        allowed = allowed_distance(expected.losses, [control.losses for control in controls], rho)
        if dtype == "float64":
            yield narrow(case, dtype, expected.losses, allowed)
        verdict = worst_step(case, f"mlx {dtype}", got.losses, expected.losses, allowed, controls=len(controls))
        yield decided(verdict, magnitude(expected.losses), "the loss is no larger")
        ends = [carried(control.state) for control in controls]
        for key, value in after.items():
            distance = max(magnitude(end[key] - value) for end in ends)
            bound = MARGIN * max(distance, UNIT[dtype] * magnitude(value))
            words = f"{MARGIN:g} x the furthest of {len(ends)} one-ulp controls"
            what = f"{key} @{len(batches)}"
            verdict = compare(case, f"mlx {dtype}", what, got.state[key], value, bound, words)
            travelled = magnitude(value - begin[key])
            yield decided(verdict, travelled or np.inf, f"training moves it by {travelled:.2g}")

    return retry_with_more_samples(rounded, verdicts)


def repeated(who: str, run: Callable[[list[tuple]], Run], batches: list[tuple]) -> Run:
    """The run, whose first two steps are the same when they are repeated. Raises UsageError."""
    first = run(batches[:2]).losses
    full = run(batches)
    if not np.array_equal(first, full.losses[:2], equal_nan=True):
        raise UsageError(
            f"{who} gives different losses from the same start: turn dropout off, and make the optimizer and all other "
            "state inside the trainer."
        )
    return full


def notes(verdicts: list[Verdict]) -> Iterator[str]:
    """Why float64 may fail without a difference of mathematics."""
    failures = [verdict for verdict in verdicts if not verdict.ok]
    compared_ = {verdict.variant for verdict in verdicts}
    if failures and "mlx float32" in compared_ and all("float64" in verdict.variant for verdict in failures):
        yield (
            "note: only float64 failed: a number is slightly off, or MLX's loop makes a constant in float32, such as "
            "mx.array(0.1), where float64 would need mx.array(0.1, mx.float64)."
        )
