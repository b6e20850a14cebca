"""The verdict on one case: the definition, PyTorch and MLX, in float64 and float32, outputs and every gradient.

The oracle is float64: the definition for outputs, PyTorch for gradients; and that PyTorch's gradient is the
definition's is itself checked, along one random direction v, by

    <grad, v> = d/dh <f(theta + h v), c>  at h = 0,

with a central difference of the definition refined once by Richardson's extrapolation. One random direction suffices:
two different linear forms agree on it with probability zero.

Four legs are then held against the oracle: torch and mlx (in exact mode) in float64, torch and mlx in float32. Their
bounds come from `parity.rounding`; in float64 the bound must moreover stay under 1e-10 of the tensor's scale, so that a
case so ill-conditioned that it would excuse a real difference is itself red.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from corpus.chance import stream
from parity.exact import exact
from parity.rooms import Arrays, method_of, run_mlx, run_torch, torch_module, torch_tensors
from parity.rounding import UNIT, allowance, spreads
from parity.verdict import AGREEMENT, Verdict, compare
from personas.case import Case, representable


def check(case: Case, seed: int = 0) -> Iterator[Verdict]:
    """Every verdict on a case, its parameters, inputs and cotangent drawn from `seed`."""
    generator = stream(seed, f"parity/{case.name}")
    parameters, inputs = case.parameters(generator), case.arguments(generator)
    method = method_of(case.spec, case.method)
    defined = np.asarray(method(parameters, *inputs))
    cotangent = representable(generator.normal(size=defined.shape))
    run = (case.spec, case.method, parameters, inputs, cotangent)

    oracle = run_torch(*run, "float64")
    module = torch_module(case.spec, parameters, torch.float64)
    spread = spreads(lambda: torch_tensors(module, case.method, inputs, cotangent))

    runners = {"torch": run_torch, "mlx": run_mlx}
    yield slope(case, parameters, inputs, cotangent, oracle, stream(seed, f"parity-direction/{case.name}"))
    yield from held(case.name, oracle, defined, spread, lambda wing, dtype: runners[wing](*run, dtype))


def held(
    case: str, oracle: Arrays, defined: np.ndarray, spread: dict[str, float], run: Callable[[str, str], Arrays]
) -> Iterator[Verdict]:
    """The legs of one computation, held against the oracle; its outputs against the definition's, `defined`.

    run: (wing, dtype) -> what `parity.rooms.run_torch` returns.
    """
    yield compare(case, "torch float64", "output", oracle["output"], defined, *allowance(spread["output"], "float64"))
    yield from conditioned(case, oracle, spread)
    truth = oracle | {"output": defined}
    with exact():
        double = run("mlx", "float64")
    yield from against(case, "mlx", double, truth, spread, "float64")
    for wing in ("torch", "mlx"):
        yield from against(case, wing, run(wing, "float32"), truth, spread, "float32")


def against(
    case: str, wing: str, got: Arrays, oracle: Arrays, spread: dict[str, float], dtype: str
) -> Iterator[Verdict]:
    """One verdict a tensor of the oracle. A gradient that the oracle lacks must be zero."""
    leg = f"{wing} {dtype}"
    for what, expected in oracle.items():
        if what in got:
            yield compare(case, leg, what, got[what], expected, *allowance(spread[what], dtype))
        else:
            absent = np.full_like(expected, np.nan)
            yield compare(case, leg, what, absent, expected, 0.0, "this gradient is missing")
    for what in got.keys() - oracle.keys():
        yield compare(case, leg, what, got[what], np.zeros_like(got[what]), 0.0, "not read, so its gradient is 0")


def conditioned(case: str, oracle: Arrays, spread: dict[str, float]) -> Iterator[Verdict]:
    """The float64 bounds themselves, as errors that may not exceed AGREEMENT of the case's greatest magnitude.

    Of the case, not of the tensor: a gradient that is exactly zero has no scale of its own.
    """
    scale = max(float(np.abs(x[np.isfinite(x)]).max(initial=0.0)) for x in oracle.values())
    for what in oracle:
        bound, _ = allowance(spread[what], "float64")
        derivation = f"{AGREEMENT:g} of the scale {scale:.3g}"
        yield compare(case, "bound float64", what, np.array(bound), np.array(0.0), AGREEMENT * scale, derivation)


def slope(case: Case, parameters: Arrays, inputs: tuple, cotangent: np.ndarray, oracle: Arrays, generator) -> Verdict:
    """PyTorch's gradient against the definition's slope along one random direction, see the module."""
    point = {f"input {i}": x for i, x in enumerate(inputs) if x.dtype.kind == "f"} | parameters
    direction = {name: generator.normal(size=x.shape) for name, x in point.items()}
    method = method_of(case.spec, case.method)

    def along(h: float) -> float:
        moved = {name: x + h * direction[name] for name, x in point.items()}
        arguments = [moved.get(f"input {i}", x) for i, x in enumerate(inputs)]
        return float((method({name: moved[name] for name in parameters}, *arguments) * cotangent).sum())

    def central(h: float) -> float:
        return (along(h) - along(-h)) / (2 * h)

    # Richardson: the two differences of step h and h/2 cancel their h^2 terms and bound what is left.
    size = max(float(np.abs(x).max(initial=0.0)) for x in point.values()) or 1.0
    h = 2.0**-10 * min(1.0, size)
    coarse, fine = central(h), central(h / 2)
    refined = (4 * fine - coarse) / 3
    claimed = sum(float((oracle[name] * v).sum()) for name, v in direction.items() if name in oracle)
    magnitude = sum(float(np.abs(oracle[name] * v).sum()) for name, v in direction.items() if name in oracle)
    rounding = 4 * UNIT["float64"] * cotangent.size * max(1.0, abs(along(0.0))) / h
    allowed = abs(refined - fine) + rounding + UNIT["float64"] * magnitude
    return compare(
        case.name,
        "definition slope",
        "all",
        np.array(claimed),
        np.array(refined),
        allowed,
        f"truncation |R - D(h/2)| + rounding of the difference at h = {h:.2g}",
    )
