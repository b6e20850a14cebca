"""Can the pair be compared at all? Each side runs once or twice before the verdicts; a problem becomes a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from lyceum.contract import UsageError
from parity.bounds.units import UNIT
from parity.brief import origin
from parity.compare.pair import Pair
from parity.float64.mlx_mode import exact
from parity.results.verdict import Verdict
from parity.sides.test_point import Point, enumerate_leaves
from parity.sides.variants import ORACLE, Variant

FIRST = {"torch": ORACLE, "mlx": Variant("mlx", "float32")}
SINGLE = " at float32's bounds, since "
NAMES = {"torch": "PyTorch", "mlx": "MLX"}


def deterministic(pair: Pair, point: Point) -> dict[str, np.ndarray]:
    """PyTorch's float64 outputs by name, after a check that both sides run, repeat themselves and fit each other.

    Raises UsageError, one sentence.
    """
    results = {backend: repeatable(pair, variant, point) for backend, variant in FIRST.items()}
    shapes = [{name: y.shape for name, y in outputs.items()} for outputs in results.values()]
    if shapes[0] != shapes[1]:
        theirs, ours = (", ".join(f"{name} {shape}" for name, shape in outputs.items()) for outputs in shapes)
        raise UsageError(
            f"{pair.name}: the outputs differ in shape, PyTorch's {theirs}, MLX's {ours}: make them the same with "
            "torch_call or mlx_call."
        )
    return results["torch"]


def repeatable(pair: Pair, variant: Variant, point: Point) -> dict[str, np.ndarray]:
    """The outputs of one side by name, after a check that they are numbers and the same again. Raises UsageError."""
    who, outputs = NAMES[variant.backend], ran(pair, variant, point)
    for name, y in outputs.items():
        if y.dtype.kind == "f" and np.isnan(y).any():
            where = tuple(int(i) for i in np.argwhere(np.isnan(y))[0])
            raise UsageError(
                f"{pair.name}: the {name} of {who} is NaN at {where} ({np.isnan(y).sum()} of {y.size} "
                "entries): choose inputs for which the function is defined."
            )
    again = ran(pair, variant, point)
    if any(not np.array_equal(y, again[name]) for name, y in outputs.items()):
        raise UsageError(
            f"{pair.name}: {who} gives different results for the same inputs: call .eval() to turn "
            "dropout off, hand its random numbers in as inputs, or look for an index beyond the end of an array."
        )
    return outputs


def single(pair: Pair, point: Point, verdicts: list[Verdict]) -> list[Verdict]:
    """The verdicts; where float64 alone failed, and a side is right to single precision inside, at float32's bounds."""
    failures = [verdict for verdict in verdicts if not verdict.ok]
    if not failures or not all(map(_of_float64, failures)):
        return verdicts
    if why := ", ".join(reasons(pair, point)):
        return [_relaxed(verdict, why) if _of_float64(verdict) else verdict for verdict in verdicts]
    return verdicts


def reasons(pair: Pair, point: Point) -> Iterator[str]:
    """Why float64 is right to single precision only, a clause each. While a golden file is made, there is no MLX."""
    with exact():
        sides = {"PyTorch": pair.torch.narrow(), "MLX": pair.mlx.narrow(pair.for_mlx(point)) if pair.mlx else ""}
    yield from (f"{side} computes {what} in single precision" for side, what in sides.items() if what)
    if pair.mlx and pair.mlx.keeps_tables():
        yield "MLX's module keeps a table in float32"
    for name in pair.torch.constants().keys() - pair.shared_buffers().keys():
        yield f"PyTorch's buffer {name} was made in float32 (or build the module within parity.in_float64())"


def _of_float64(verdict: Verdict) -> bool:
    return verdict.variant.endswith(("float64", "slope"))


def _relaxed(verdict: Verdict, why: str) -> Verdict:
    if verdict.variant.endswith("slope") or verdict.variant.startswith("bound"):
        return verdict if verdict.ok else replace(verdict, limitation=f"cannot tell: {why}")
    bound = verdict.bound * UNIT["float32"] / UNIT["float64"]
    return replace(verdict, bound=bound, derivation=f"{verdict.derivation}{SINGLE}{why}")


def notes(verdicts: list[Verdict]) -> list[str]:
    """What to know besides: which verdicts on float64 are compared as if they were float32's."""
    relaxed = (verdict for verdict in verdicts if SINGLE in verdict.derivation)
    return [f"note: {v.variant} is compared{SINGLE}{v.derivation.partition(SINGLE)[2]}." for v in relaxed][:1]


def ran(pair: Pair, variant: Variant, point: Point) -> dict[str, np.ndarray]:
    """The outputs of one side on the CPU, by name."""
    with explained(f"{pair.name}: {NAMES[variant.backend]}", point):
        values = pair.evaluate(variant, "value", point)
    outputs = {name: y for (probe, name), y in values.items() if probe == "value"}
    if not outputs:
        raise UsageError(
            f"{pair.name}: {NAMES[variant.backend]} returns no array: return one, or a tuple or dictionary of them."
        )
    return outputs


@contextmanager
def explained(who: str, point: Point):
    """Turn what a foreign module raises into a sentence that names the inputs."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:  # whatever foreign code may raise
        given = ", ".join(f"{x.dtype} {x.shape}" for _, x in enumerate_leaves(point.inputs)) or "none"
        lines = str(error).strip().splitlines()
        message = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        message += origin(error)
        raise UsageError(
            f"{who} does not run on the CPU with these inputs ({given}): {message}; the comparison starts there, so "
            "give it a module and inputs that do."
        ) from error
