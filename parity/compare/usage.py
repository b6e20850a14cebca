"""Can the pair be compared at all? Each side runs once or twice before the verdicts; a problem becomes a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from lyceum.contract import UsageError
from parity.compare.pair import Pair
from parity.compare.test_point import Point, enumerate_leaves
from parity.compare.variants import ORACLE, Variant
from parity.results.verdict import Verdict

FIRST = {"torch": ORACLE, "mlx": Variant("mlx", "float32")}
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
            "dropout off, or hand its random numbers in as inputs."
        )
    return outputs


def notes(pair: Pair, verdicts: list[Verdict]) -> Iterator[str]:
    """Why float64 may fail without a difference of mathematics: constants that were made in float32."""
    failures = [verdict for verdict in verdicts if not verdict.ok]
    if not failures or any("float64" not in verdict.variant for verdict in failures):
        return
    for name, x in pair.torch.called.module.named_buffers():
        if str(x.dtype) == "torch.float32":
            yield (
                f"note: only float64 failed, and PyTorch's buffer {name} was made in float32: build the module within "
                "parity.in_float64()."
            )


def ran(pair: Pair, variant: Variant, point: Point) -> dict[str, np.ndarray]:
    """The outputs of one side on the CPU, by name."""
    with explained(f"{pair.name}: {NAMES[variant.backend]}", point):
        outputs = {name: y for (_, name), y in pair.evaluate(variant, "value", point).items()}
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
        raise UsageError(
            f"{who} does not run on the CPU with these inputs ({given}): {message}; the comparison starts there, so "
            "give it a module and inputs that do."
        ) from error
