"""`parity.check`: is this MLX module the same function as that PyTorch one?

    import parity
    result = parity.check(mlx_block, torch_block, inputs=(2, 16, 64))
    print(result)           # a table; result.ok, result.failures, result.records(); result.or_raise() in a test

Neither module is changed. The parameters are PyTorch's (those with special values moved, see `parity.compare.inputs`),
carried to MLX through the map of names and layouts (`parity.mapping`). `parity.compare.verdicts` says what is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mlx import nn as mlx_nn
from torch import nn as torch_nn

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.bounds.rounding import UNIT
from parity.compare.inputs import arguments, general
from parity.compare.mlx_side import MlxSide
from parity.compare.pair import Pair
from parity.compare.test_point import Arrays, Point, draw_point
from parity.compare.torch_side import TorchSide
from parity.compare.usage import deterministic, notes
from parity.compare.variants import variants
from parity.compare.verdicts import PROBES, compare_pair
from parity.mapping.names import match
from parity.results.findings import Findings
from parity.results.verdict import Verdict


def check(
    mlx: mlx_nn.Module | Callable,
    torch: torch_nn.Module | Callable,
    inputs: Any,
    *,
    reference: Callable | None = None,
    names: Any = None,
    mlx_call: Callable | None = None,
    torch_call: Callable | None = None,
    parameters: Arrays | None = None,
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
    reference: (parameters by PyTorch's names, *inputs) -> outputs in float64 NumPy, the oracle of the values; without
        one it is PyTorch in float64.
    names: how MLX's parameters are made of PyTorch's, see `parity.mapping.rules`; None: the same names.
    mlx_call, torch_call: (module, *inputs) -> outputs, for another method or other arguments.
    parameters: values by PyTorch's names; None: those of its module, see `parity.compare.inputs`.
    dtypes: of float64, float32, bfloat16, float16. compiled: of "mlx", "torch". everywhere: on this machine's GPU too.
    probes: of `parity.compare.verdicts.PROBES`.
    batched: whether axis 0 of every input and output runs over independent examples; None: assumed of modules with one
        input.

    Raises UsageError, one sentence, for what cannot be compared: parameters that do not match, outputs of different
    shapes, NaN, a module that gives different results for the same input or does not run on the CPU.
    """
    pair = paired(mlx, torch, reference, names, mlx_call, torch_call, name)
    chosen = tuple(variants(several(dtypes, "dtypes"), several(compiled, "compiled"), everywhere))
    probes = several(probes, "probes")
    if unknown := [probe for probe in probes if probe not in PROBES]:
        raise UsageError(f"there is no probe {unknown[0]!r}: choose from {', '.join(PROBES)}.")
    generator = stream(seed, f"parity/{pair.name}")
    values = valued(pair, parameters, generator)

    def at(given: tuple) -> list[Verdict]:
        alone = batched if batched is not None else len(given) == 1 and isinstance(torch, torch_nn.Module)
        outputs = deterministic(pair, Point(values, given, {}, {}))
        return list(compare_pair(pair, draw_point(values, given, outputs, generator, alone), chosen, probes))

    if hasattr(inputs, "example") and hasattr(inputs, "validate"):
        from parity.compare.strategies import explored

        verdicts = explored(lambda given: at(arguments(list(given), generator)), inputs, examples)
    else:
        verdicts = at(arguments(inputs, generator))
    return Findings(pair.name, tuple(verdicts), tuple(pair.names.described()), tuple(notes(pair, verdicts)))


def paired(mlx: Any, torch: Any, reference: Any, names: Any, mlx_call: Any, torch_call: Any, name: str | None) -> Pair:
    """The pair, its parameters matched. Raises UsageError."""
    for target, module, backend in ((mlx, mlx_nn.Module, "mlx"), (torch, torch_nn.Module, "torch")):
        if not isinstance(target, module) and (not callable(target) or isinstance(target, type)):
            raise UsageError(f"{backend} is {target!r}: give an object of {backend}.nn.Module or a function of arrays.")
    if isinstance(mlx, torch_nn.Module) or isinstance(torch, mlx_nn.Module):
        raise UsageError("the two sides are exchanged: MLX's comes first, then PyTorch's.")
    ours, theirs = MlxSide(mlx, mlx_call), TorchSide(torch, torch_call)
    shapes = [{key: x.shape for key, x in arrays.items()} for arrays in (ours.parameters(), theirs.parameters())]
    buffers = {key: x.shape for key, x in theirs.buffers().items()}
    title = name or getattr(torch, "__name__", type(torch).__name__)
    return Pair(title, theirs, ours, match(*shapes, names, buffers), reference)


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
        raise UsageError(f"there is no precision {unknown[0]!r} here: choose from {', '.join(known)}.")
    return chosen


def valued(pair: Pair, parameters: Arrays | None, generator: np.random.Generator) -> Arrays:
    """The parameters of the comparison. Raises UsageError if those given are not PyTorch's."""
    theirs = pair.torch.parameters()
    if parameters is None:
        return general(theirs, generator)
    differ = sorted(theirs.keys() ^ parameters.keys())
    differ += [key for key in theirs.keys() & parameters.keys() if theirs[key].shape != np.shape(parameters[key])]
    if differ:
        raise UsageError(f"parameters must have PyTorch's names and shapes: {', '.join(differ)} do not.")
    return {key: np.asarray(parameters[key], np.float32).astype(np.float64) for key in theirs}
