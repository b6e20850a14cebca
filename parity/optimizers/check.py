"""`parity.check_optimizer`: do an MLX optimizer and a PyTorch optimizer take the same steps?

    import mlx.optimizers, parity, torch

    for verdict in parity.check_optimizer(
        mlx=mlx.optimizers.AdamW(learning_rate=1e-3, bias_correction=True),
        torch=lambda parameters: torch.optim.AdamW(parameters, lr=1e-3),
    ):
        print(verdict.ok, verdict.sentence())

Both get the same parameters and the same gradients (`inputs`), and are compared after 1, 2 and `steps` steps: the
parameters, and the state wherever the names have a counterpart. After one step a missing bias correction shows, after
two the momentum, after fifty an average's constant. The oracle is PyTorch's single-tensor implementation in float64;
compared with it are

    torch float64    PyTorch's optimizer as it was made (foreach, fused)
    mlx float64      MLX's, on a copy that computes in true float64 (`mlx_run`): the same rule?
    torch float32, mlx float32    as in use

within bounds that the oracle's deviation under random rounding gives (`parity.bounds.rounding`, `torch_run`). State
that only one library stores is recorded as a limitation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from numbers import Real

import mlx.optimizers as optim
import numpy as np

import parity.optimizers.mlx_run as optimizer_mlx
import parity.optimizers.torch_run as optimizer_torch
from lyceum.contract import UsageError
from parity.bounds.rounding import Deviations, allowance, retry_with_more_samples
from parity.brief import brief
from parity.optimizers.inputs import SKIPPED, OptimizerInputs, draw
from parity.optimizers.torch_run import Key, Make, described
from parity.results.findings import Findings
from parity.results.verdict import AGREEMENT, Verdict, compare, limited

SHAPES = {"matrix": (6, 4), "wide": (3, 8), "vector": (9,), "scalar": ()}
# What MLX calls a state -> what PyTorch may call it.
COUNTERPARTS = {
    "m": ("exp_avg",),
    "v": ("exp_avg_sq", "exp_inf", "square_avg", "sum", "momentum_buffer"),
    "u": ("acc_delta",),
}
ABSENT = {
    None: "",
    "zero": "; PyTorch skips a parameter whose gradient is None, MLX's gradient of zeros still decays it and its state",
    "nothing": "; PyTorch does not count a step without a gradient, MLX counts one step for all parameters",
}


@brief
def check_optimizer(
    mlx: optim.Optimizer,
    torch: Make,
    *,
    name: str | None = None,
    steps: int = 50,
    shapes: Mapping[str, tuple[int, ...]] = SHAPES,
    learning_rate: float | Callable[[int], float] | None = None,
    clip_norm: float | None = None,
    absent: str | None = None,
    seed: int = 0,
) -> Findings:
    """Every verdict on a pair of optimizers, see the module; `.ok` if they take the same steps.

    mlx: an optimizer, which is not changed. torch: a list of parameters -> torch.optim.Optimizer, or (optimizer,
    scheduler). name: the case's, in verdicts. shapes: of the parameters, by name. learning_rate: one for both, a number
    or a function of the iteration (0-based), instead of their rates and schedules. clip_norm: clip the gradients'
    global norm, each library with its function. absent: at the second step the first parameter's gradient is None in
    PyTorch, and MLX is given "zero" (as `nn.value_and_grad` does) or "nothing"; None: all have one. seed: of the draw.

    Raises UsageError, one sentence, for what cannot be checked, such as parameters that become infinite.
    """
    optimizer_mlx.accepted(mlx)
    if not callable(torch):
        raise UsageError(
            f"torch must be a function of the parameters, such as lambda parameters: torch.optim.SGD(parameters, "
            f"lr=1e-2), not {described(torch)}: the check makes the parameters, in float32 and in float64."
        )
    if absent not in ABSENT:
        raise UsageError(f"absent is {absent!r}: choose 'zero', 'nothing' or None.")
    inputs = OptimizerInputs(*draw(shapes, steps, seed), absent, rate(learning_rate), clip_norm)
    case = f"optimizer: {name or type(mlx).__name__}"
    return Findings(case, tuple(verdicts(case, mlx, torch, inputs)))


def rate(given: float | Callable[[int], float] | None) -> Callable[[int], float] | None:
    """A learning rate as a function of the iteration. Raises UsageError if it is neither that nor a number."""
    if given is None or callable(given):
        return given
    if not isinstance(given, Real) or not math.isfinite(given):
        raise UsageError(f"learning_rate is {given!r}: give a number, or a function of the iteration.")
    return lambda t: float(given)


def verdicts(case: str, mlx: optim.Optimizer, torch: Make, inputs: OptimizerInputs) -> Iterator[Verdict]:
    """Every verdict of `check_optimizer`."""
    rates = optimizer_torch.rates(torch, inputs)
    oracle = arrays(optimizer_torch.run(torch, inputs, "float64", optimizer_torch.single))
    finite(case, oracle)
    variants = [("torch", "float64"), ("mlx", "float64"), ("torch", "float32"), ("mlx", "float32")]
    results = {variant: result(*variant, mlx, torch, inputs, rates, oracle) for variant in variants}

    def compared(deviation: dict[Key, float]) -> Iterator[Verdict]:
        yield from conditioned(case, oracle, deviation)
        for (backend, dtype), (got, unpaired) in results.items():
            yield from (limited(case, f"{backend} {dtype}", what, why) for what, why in unpaired.items())
            for key in (key for key in oracle if key in got):
                bound, words = allowance(deviation[key], dtype)
                words += ABSENT[inputs.absent] if key[0] == inputs.first and key[2] > SKIPPED else ""
                yield compare(case, f"{backend} {dtype}", title(key), got[key], oracle[key], bound, words)

    yield from retry_with_more_samples(Deviations(lambda: optimizer_torch.run_roundable(torch, inputs)), compared)


def result(
    backend: str,
    dtype: str,
    mlx: optim.Optimizer,
    torch: Make,
    inputs: OptimizerInputs,
    rates: list[float],
    oracle: dict,
) -> tuple[dict[Key, np.ndarray], dict[str, str]]:
    """(A variant's parameters and state by PyTorch's keys, what of its state has no counterpart, with reasons)."""
    if backend == "torch":
        return arrays(optimizer_torch.run(torch, inputs, dtype)), {}
    return translated(optimizer_mlx.run(mlx, inputs, dtype, rates), oracle)


def title(key: Key) -> str:
    """What a verdict is on: "parameter.state @steps"."""
    parameter, state, after = key
    return f"{parameter}.{state} @{after}" if state else f"{parameter} @{after}"


def arrays(tensors: dict) -> dict[Key, np.ndarray]:
    """The same as NumPy float64."""
    return {key: x.double().numpy() for key, x in tensors.items()}


def finite(case: str, oracle: dict[Key, np.ndarray]) -> None:
    """Raise UsageError if PyTorch itself does not stay finite: then there is nothing to compare with."""
    for key, value in oracle.items():
        if not np.isfinite(value).all():
            raise UsageError(f"{case}: {title(key)} holds NaN or infinity in PyTorch float64: lower the learning rate.")


def conditioned(case: str, oracle: dict[Key, np.ndarray], deviation: dict[Key, float]) -> Iterator[Verdict]:
    """The float64 bounds themselves, as errors that may not exceed AGREEMENT of the greatest value of that state."""
    for key in oracle:
        scale = max(float(np.abs(value).max()) for other, value in oracle.items() if other[1:] == key[1:])
        bound, _ = allowance(deviation[key], "float64")
        words = f"{AGREEMENT:g} of the scale {scale:.3g}"
        yield compare(case, "bound float64", title(key), np.array(bound), np.array(0.0), AGREEMENT * scale, words)


def translated(
    mlx_state: dict[Key, np.ndarray], oracle: dict[Key, np.ndarray]
) -> tuple[dict[Key, np.ndarray], dict[str, str]]:
    """(MLX's arrays by PyTorch's keys, {state that only one of them stores: a sentence})."""
    got, unpaired = {}, {}
    for (parameter, state, after), value in mlx_state.items():
        names = (state, *COUNTERPARTS.get(state, ()))
        theirs = next((name for name in names if (parameter, name, after) in oracle), None)
        if theirs is not None:
            got[parameter, theirs, after] = value
        elif value.any():  # a state of zeros is one that the rule does not use
            unpaired[f"{parameter}.{state}"] = "PyTorch stores nothing that corresponds to it"
    for parameter, state, _ in oracle.keys() - got.keys():
        unpaired[f"{parameter}.{state}"] = "MLX stores nothing that corresponds to it"
    return got, unpaired
