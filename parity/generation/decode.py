"""`parity.check_decode`: does a model with its cache compute what it computes for the text at once?

    parity.check_decode(mlx_model, parity.integers((2, 12), below=97))       # mlx-lm: nothing else to say
    parity.check_decode(torch_model, parity.integers((2, 12), below=97))     # transformers: the same

    parity.check_decode(my_model, (2, 12, 64), call=lambda model, x, cache: model.step(x, cache), new_cache=MyCache)

A text of T positions is given in parts: one at a time; half of it at once and the rest one at a time, as a prompt; and
in two parts of several positions, where a mask must reach back into the cache. Last, one at a time again after another
text with a new cache: what a model remembers besides its cache shows there. Each begins with a fresh copy of the model,
and must equal the text at once:

    float64     the same mathematics? An offset that is one off, a window, a stale entry shows here
    float32, bfloat16, float16      is there nothing but rounding between them?

The bounds: in PyTorch the deviation under random rounding (`parity.bounds.rounding`), in MLX the distance of runs whose
parameters and inputs are moved by one unit in the last digit (`parity.bounds.envelope`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from lyceum.contract import UsageError
from lyceum.personas.spec.case import representable
from lyceum.rng import stream
from parity.bounds.envelope import Controls, decided, one_ulp
from parity.bounds.rounding import UNIT, Deviations, allowance, retry_with_more_samples
from parity.compare.attempts import reason
from parity.compare.check import precisions
from parity.compare.inputs import arguments
from parity.compare.usage import NAMES, explained
from parity.generation.cached import cached, copied, tensors, values
from parity.generation.cuts import AT_ONCE, ways_of
from parity.results.findings import Findings
from parity.results.verdict import AGREEMENT, Verdict, compare, limited, magnitude
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Point, arranged
from parity.sides.torch_side import TorchSide
from parity.sides.variants import Variant

WIDE = ("float64", "float32")
CANNOT = (RuntimeError, ValueError, NotImplementedError)  # what a framework raises for what it lacks


def check_decode(
    model: Any,
    inputs: Any,
    *,
    call: Callable | None = None,
    new_cache: Callable[[Any], Any] | None = None,
    cuts: Sequence[Sequence[int]] | None = None,
    dtypes: tuple[str, ...] = WIDE,
    seed: int = 0,
    name: str | None = None,
) -> Findings:
    """Compare decoding with a cache with the text at once; one verdict an output, cut and precision.

    model: a module of either framework, with the weights that it holds; it is not changed.
    inputs: as `parity.check` takes them. The first is the text, (B, T) token ids or (B, T, ...) features, T at least 4,
        which is cut along axis 1; others are given with every part as they are.
    call: (model, x, cache, *others) -> outputs (B, T, ...), or (outputs, cache). cache is None for all of x at once.
        None: as mlx-lm and transformers call their models.
    new_cache: model -> an empty cache. None with a `call`: the first part is given None, and call returns the cache.
    cuts: how many positions each part has, several ways; None: see the module.
    dtypes: of float64, float32, bfloat16, float16.

    Raises UsageError, one sentence, for what cannot be compared.
    """
    backend = "torch" if isinstance(model, torch.nn.Module) else "mlx"
    title = f"decode: {name or type(model).__name__}"
    fresh = partial(copied, model, backend)  # for every run anew: what a model remembers besides its cache stays in it
    library, generator = cached(model, call, new_cache), stream(seed, "parity/decode")
    given = arguments(inputs, generator)
    ways = ways_of(library, given, cuts)
    side = TorchSide(fresh()) if backend == "torch" else MlxSide(fresh())
    point = Point({key: representable(x) for key, x in side.parameters().items()}, given, {}, {})
    verdicts: list[Verdict] = []
    for group in _groups(precisions(dtypes)):
        at = point if group[0] in WIDE else point.rounded(group[0])
        verdicts += _compared(title, backend, fresh, ways, at, group)
    return Findings(title, tuple(verdicts))


def _groups(dtypes: tuple[str, ...]) -> list[list[str]]:
    """The precisions that share an oracle: float64 and float32 together."""
    wide, narrow = [dtype for dtype in dtypes if dtype in WIDE], [dtype for dtype in dtypes if dtype not in WIDE]
    return [wide] * bool(wide) + [[dtype] for dtype in narrow]


def _compared(
    case: str, backend: str, fresh: Callable, ways: dict[str, Callable], point: Point, dtypes: list[str]
) -> list[Verdict]:
    """Every verdict in precisions that share a point."""
    at_once, unit = ways[AT_ONCE], "float32" if dtypes[0] in WIDE else dtypes[0]
    with explained(f"{case}: {NAMES[backend]}", point):
        rounded = _deviations(backend, fresh(), at_once, point, unit)
        truth, again = (values(fresh(), at_once, point, Variant(backend, unit)) for _ in range(2))
    if any(not np.array_equal(y, again[key], equal_nan=True) for key, y in truth.items()):
        raise UsageError(f"{case}: it gives different results for the same inputs: call .eval() to turn dropout off.")
    with suppress(*CANNOT):  # its float64 variants say why
        truth = values(fresh(), at_once, point, Variant(backend, "float64"))
    results = []
    for dtype in dtypes:
        for title, way in ways.items():
            variant = Variant(backend, dtype)
            if title == AT_ONCE:
                continue
            results.append((variant, title, _decoded(case, fresh(), title, way, point, variant)))

    def verdicts(deviation: dict[str, float]) -> Iterator[Verdict]:
        if "float64" in dtypes:
            yield from _conditioned(case, truth, deviation)
        for variant, title, got in results:
            if isinstance(got, str):
                yield limited(case, str(variant), title, got)
                continue
            for key, expected in truth.items():
                yield _verdict(case, variant, f"{key}, {title}", got[key], expected, deviation[key])

    return retry_with_more_samples(rounded, verdicts)


def _decoded(
    case: str, model: Any, title: str, way: Callable, point: Point, variant: Variant
) -> dict[str, np.ndarray] | str:
    """What a cut gives; or why the framework cannot compute it in float64. Raises UsageError in other precisions."""
    try:
        return values(model, way, point, variant)
    except CANNOT as error:
        if variant.dtype == "float64":
            return reason(variant.backend, error)
        why = str(error).partition("\n")[0]
        raise UsageError(
            f"{case}: the text at once is computed, but {title} is not ({variant}): {type(error).__name__}: {why}; if "
            "the model takes no such parts, say others with cuts=."
        ) from error


def _deviations(backend: str, model: Any, at_once: Callable, point: Point, dtype: str) -> Deviations | Controls:
    """How far rounding in this precision may carry the text at once, see the module."""
    if backend == "torch":
        side = TorchSide(model, at_once)
        return Deviations(lambda: tensors(side, point), UNIT[dtype])

    def control(k: int | None) -> dict[str, np.ndarray]:
        if k is None:
            return values(model, at_once, point, Variant("mlx", dtype))
        generator = stream(k, "one-ulp")
        moved = {key: one_ulp(x, dtype, generator) for key, x in point.parameters.items()}
        inputs = arranged(point.inputs, lambda _, x: one_ulp(x, dtype, generator) if x.dtype.kind == "f" else x)
        return values(model, at_once, replace(point, parameters=moved, inputs=inputs), Variant("mlx", dtype))

    return Controls(control, dtype)


def _verdict(
    case: str, variant: Variant, what: str, got: np.ndarray, expected: np.ndarray, deviation: float
) -> Verdict:
    """One output of one cut, with the first position that differs."""
    bound, words = allowance(deviation, variant.dtype)
    if got.shape == expected.shape:
        with np.errstate(invalid="ignore"):
            beyond = ~((np.abs(got - expected) <= bound) | (got == expected))
        positions = np.flatnonzero(beyond.any(axis=tuple(axis for axis in range(got.ndim) if axis != 1)))
        words += f"; first differs at position {positions[0]}" if positions.size else ""
    verdict = compare(case, str(variant), what, got, expected, bound, words)
    return decided(verdict, magnitude(expected), "the output is no larger")


def _conditioned(case: str, truth: dict[str, np.ndarray], deviation: dict[str, float]) -> Iterator[Verdict]:
    """The float64 bounds themselves, as errors that may not exceed AGREEMENT of the output."""
    for key, expected in truth.items():
        scale, bound = magnitude(expected), allowance(deviation[key], "float64")[0]
        words = f"{AGREEMENT:g} of the scale {scale:.3g}"
        yield compare(case, "bound float64", key, np.array(bound), np.array(0.0), AGREEMENT * scale, words)
