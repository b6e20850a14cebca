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
from parity.brief import brief
from parity.compare.inputs import arguments, general, general_buffers
from parity.compare.pair import Pair
from parity.compare.usage import deterministic, notes, single
from parity.compare.verdicts import PROBES, compare_pair
from parity.mapping.modules import matched
from parity.results.findings import Findings
from parity.results.verdict import Verdict
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Arrays, Point, draw_point
from parity.sides.torch_side import TorchSide
from parity.sides.variants import variants


@brief
def check(
    mlx: mlx_nn.Module | Callable,
    torch: torch_nn.Module | Callable,
    inputs: Any = (),
    *,
    keywords: dict[str, Any] | None = None,
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
    keywords: inputs by name, described alike, for both sides.
    reference: (parameters by PyTorch's names, *inputs) -> outputs in float64 NumPy, the oracle of the values; without
        one it is PyTorch in float64.
    names: how MLX's parameters are made of PyTorch's, see `parity.mapping.rules`; None: the same names.
    mlx_call, torch_call: (module, *inputs) -> outputs, for another method or other arguments.
    parameters: values by PyTorch's names; None: those of its module, see `parity.compare.inputs`.
    dtypes: of float64, float32, bfloat16, float16. compiled: of "mlx", "torch". everywhere: on this machine's GPU too.
    probes: of `parity.compare.verdicts.PROBES`; () compares the values alone.
    batched: whether axis 0 of every input and output runs over independent examples; None: assumed of modules with one
        input.

    Raises UsageError, one sentence, for what cannot be compared: parameters that do not match, outputs of different
    shapes, NaN, a module that gives different results for the same input or does not run on the CPU.
    """
    if keywords:
        (mlx, mlx_call), (torch, torch_call) = by_keyword(mlx, mlx_call), by_keyword(torch, torch_call)
        reference = reference and unpacking(reference)
    pair = paired(mlx, torch, reference, names, mlx_call, torch_call, name)
    chosen = tuple(variants(precisions(dtypes), several(compiled, "compiled"), everywhere))
    probes = several(probes, "probes")
    if unknown := [probe for probe in probes if probe not in PROBES]:
        raise UsageError(f"there is no probe {unknown[0]!r}: choose from {', '.join(PROBES)}.")
    generator = stream(seed, f"parity/{pair.name}")
    values = valued(pair, parameters, generator)

    def at(given: tuple) -> list[Verdict]:
        alone = batched if batched is not None else len(given) == 1 and isinstance(torch, torch_nn.Module)
        outputs = deterministic(pair, Point(values, given, {}, {}))
        point = draw_point(values, given, outputs, generator, alone)
        return single(pair, point, list(compare_pair(pair, point, chosen, probes)))

    if hasattr(inputs, "example") and hasattr(inputs, "validate"):
        from parity.compare.strategies import explored

        verdicts = explored(lambda given: at(arguments(list(given), generator)), inputs, examples)
    else:
        verdicts = at(arguments(inputs, generator) + (arguments([keywords], generator) if keywords else ()))
    return Findings(pair.name, tuple(verdicts), tuple(pair.names.described()), tuple(notes(verdicts)))


def by_keyword(target: Any, call: Callable | None) -> tuple[Any, Callable | None]:
    """A target and the way of calling it, which take a dictionary of keywords as their last input."""
    if isinstance(target, mlx_nn.Module | torch_nn.Module):
        return target, unpacking(call or (lambda module, *given, **named: module(*given, **named)))
    return (unpacking(target) if callable(target) else target), call


def unpacking(function: Callable) -> Callable:
    """A function that takes the keywords of another as a dictionary, its last argument."""
    unpacked = lambda *given: function(*given[:-1], **given[-1])  # noqa: E731 - it gets the other's name
    unpacked.__name__ = getattr(function, "__name__", type(function).__name__)
    return unpacked


def paired(mlx: Any, torch: Any, reference: Any, names: Any, mlx_call: Any, torch_call: Any, name: str | None) -> Pair:
    """The pair, its parameters matched. Raises UsageError."""
    for target, module, backend in ((mlx, mlx_nn.Module, "mlx"), (torch, torch_nn.Module, "torch")):
        if not isinstance(target, module) and (not callable(target) or isinstance(target, type)):
            raise UsageError(f"{backend} is {target!r}: give an object of {backend}.nn.Module or a function of arrays.")
    if isinstance(mlx, torch_nn.Module) or isinstance(torch, mlx_nn.Module):
        raise UsageError("the two sides are exchanged: MLX's comes first, then PyTorch's.")
    ours, theirs = MlxSide(mlx, mlx_call), TorchSide(torch, torch_call)
    title = name or getattr(torch, "__name__", type(torch).__name__)
    names = matched(ours.parameters(), theirs.parameters(), theirs.buffers(), names, torch)
    return Pair(title, theirs, ours, names, reference)


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


def valued(pair: Pair, parameters: Arrays | None, generator: np.random.Generator) -> Arrays:
    """The parameters of the comparison; buffers are set. Raises UsageError if those given are not PyTorch's."""
    theirs = pair.torch.parameters()
    if parameters is None:
        values = general(theirs, generator)
        pair.torch.moved |= general_buffers(pair.shared_buffers(), generator)
        return values
    differ = sorted(theirs.keys() ^ parameters.keys())
    differ += [key for key in theirs.keys() & parameters.keys() if theirs[key].shape != np.shape(parameters[key])]
    if differ:
        raise UsageError(f"parameters must have PyTorch's names and shapes: {', '.join(differ)} do not.")
    return {key: np.asarray(parameters[key], np.float32).astype(np.float64) for key in theirs}
