"""`parity.check`: is this MLX module the same function as that PyTorch one?

    import parity
    result = parity.check(mlx_block, torch_block, inputs=(2, 16, 64))
    print(result)           # a table; result.ok, result.failures, result.records(); result.or_raise() in a test

Neither module is changed. The parameters are PyTorch's (those with special values moved, see `parity.compare.inputs`),
carried to MLX through the map of names and layouts (`parity.mapping`). `parity.compare.verdicts` says what is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from mlx import nn as mlx_nn

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.bounds.units import UNIT
from parity.brief import brief
from parity.compare.inputs import arguments
from parity.compare.pairing import by_keyword, derived, paired, unpacking
from parity.compare.usage import deterministic, notes, single
from parity.compare.verdicts import PROBES, compare_pair
from parity.compare.weights import weighted
from parity.mapping.ignored import Ignored
from parity.results.findings import Findings
from parity.results.verdict import Verdict
from parity.sides.test_point import Arrays, Point, draw_point
from parity.sides.trees import from_torch
from parity.sides.variants import variants

if TYPE_CHECKING:  # not needed for a golden file
    from torch import nn as torch_nn


@brief
def check(
    mlx: mlx_nn.Module | Callable,
    torch: torch_nn.Module | Callable | None = None,
    inputs: Any = (),
    *,
    keywords: dict[str, Any] | None = None,
    golden: str | PathLike | None = None,
    reference: Callable | None = None,
    names: Any = None,
    mlx_call: Callable | None = None,
    torch_call: Callable | None = None,
    parameters: Arrays | str | None = None,
    ignore: Mapping[str, str] | None = None,
    dtypes: tuple[str, ...] = ("float64", "float32"),
    compiled: tuple[str, ...] = (),
    everywhere: bool = False,
    probes: tuple[str, ...] = PROBES,
    batched: bool | None = None,
    examples: int = 20,
    seed: int = 0,
    name: str | None = None,
) -> Findings:
    """Compare an MLX and a PyTorch implementation; one verdict a tensor, variant and probe.

    mlx, torch: modules, or functions of the inputs.
    inputs: a shape, or a list of shapes, arrays, `parity.integers` and trees of them; a function of a generator; or a
        hypothesis strategy that draws the tuple of arguments: `examples` are tried, a failing one is shrunk.
    keywords: inputs by name, described alike, for both sides.
    golden: a file by `parity.record`, instead of torch and inputs; needs no PyTorch.
    reference: (parameters by PyTorch's names, *inputs) -> outputs in float64 NumPy, the oracle of the values; without
        one it is PyTorch in float64.
    names: how MLX's parameters are made of PyTorch's, see `parity.mapping.rules`, or `parity.converted(sanitize)`;
        None: the same names.
    mlx_call, torch_call: (module, *inputs) -> outputs, for another method or other arguments.
    parameters: values by PyTorch's names; None: those of its module, see `parity.compare.inputs`; "loaded": each
        module has the weights that it has now, which are compared as well. `names` are then derived from MLX's
        `sanitize`, if it has one and they are not given.
    ignore: {name or pattern: reason} of parameters, buffers and outputs to leave out, see `parity.mapping.ignored`.
    dtypes: of float64, float32, bfloat16, float16. compiled: of "mlx", "torch". everywhere: on this machine's GPU too.
    probes: of `parity.compare.verdicts.PROBES`; () compares the values alone.
    batched: whether axis 0 of every input and output runs over independent examples; None: assumed of modules with one
        input.

    Raises UsageError, one sentence, for what cannot be compared: parameters that do not match, outputs of different
    shapes, NaN, a module that gives different results for the same input or does not run on the CPU.
    """
    if golden is not None:
        from parity.golden.check import check_golden, refuse

        given = None if isinstance(inputs, tuple) and not inputs else inputs
        refuse(torch=torch, inputs=given, keywords=keywords, reference=reference)
        refuse(torch_call=torch_call, seed=seed or None, batched=batched)
        return check_golden(
            mlx, golden, names, mlx_call, parameters, ignore, dtypes, compiled, everywhere, probes, name
        )
    if torch is None:
        raise UsageError("there is nothing to compare with: give PyTorch's module and inputs, or golden=FILE.")
    names = derived(names, mlx, parameters)
    if keywords:
        (mlx, mlx_call), (torch, torch_call) = by_keyword(mlx, mlx_call), by_keyword(torch, torch_call)
        reference = reference and unpacking(reference)
    pair = paired(mlx, torch, reference, names, mlx_call, torch_call, name, Ignored(ignore))
    chosen = tuple(variants(precisions(dtypes), several(compiled, "compiled"), everywhere))
    probes = several(probes, "probes")
    if unknown := [probe for probe in probes if probe not in PROBES]:
        raise UsageError(f"there is no probe {unknown[0]!r}: choose from {', '.join(PROBES)}.")
    generator = stream(seed, f"parity/{pair.name}")
    pair, values, weights = weighted(pair, parameters, generator)

    def at(given: tuple) -> list[Verdict]:
        alone = batched if batched is not None else len(given) == 1 and from_torch(torch, "nn.Module")
        outputs = deterministic(pair, Point(values, given, {}, {}))
        pair.mlx.left_out.require_use(of_outputs=True)
        point = draw_point(values, given, outputs, generator, alone)
        return weights + single(pair, point, list(compare_pair(pair, point, chosen, probes)))

    if hasattr(inputs, "example") and hasattr(inputs, "validate"):
        from parity.compare.strategies import explored

        verdicts = explored(lambda given: at(arguments(list(given), generator)), inputs, examples)
    else:
        verdicts = at(arguments(inputs, generator) + (arguments([keywords], generator) if keywords else ()))
    described, ignored = tuple(pair.names.described()), pair.mlx.left_out.verdicts(pair.name)
    return Findings(pair.name, tuple(verdicts), described, tuple(notes(verdicts)), ignored)


def several(words: Any, what: str) -> tuple[str, ...]:
    """Words as a tuple, of a tuple, a list or a single word. Raises UsageError for anything else."""
    if isinstance(words, str):
        return (words,)
    if not isinstance(words, tuple | list):
        raise UsageError(f"{what} is {words!r}: give a word or a tuple of words.")
    return tuple(words)


def precisions(dtypes: Any, known: tuple[str, ...] = tuple(UNIT)) -> tuple[str, ...]:
    """The precisions to compare in, at least one of those known. Raises UsageError."""
    chosen = several(dtypes, "dtypes")
    if not chosen:
        raise UsageError(f"dtypes is empty, so nothing would be compared: choose from {', '.join(known)}.")
    if unknown := [dtype for dtype in chosen if dtype not in known]:
        raise UsageError(f"there is no precision {unknown[0]!r}: choose from {', '.join(known)}.")
    return chosen
