"""`parity.check`: is this MLX module the same function as that PyTorch one?

    import parity
    result = parity.check(mlx_block, torch_block, inputs=(2, 16, 64))
    print(result)           # a table; result.ok, result.failures, result.records(); result.or_raise() in a test

Neither module is changed. The parameters are PyTorch's (those with special values moved, see `parity.compare.inputs`),
carried to MLX through the map of names and layouts (`parity.mapping`). `parity.compare.verdicts` says what is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from mlx import nn as mlx_nn

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.compare.inputs import arguments, general
from parity.compare.mlx_side import MlxSide
from parity.compare.pair import Pair
from parity.compare.test_point import Arrays, Point, draw_point
from parity.compare.trees import from_torch
from parity.compare.usage import deterministic, notes
from parity.compare.variants import variants
from parity.compare.verdicts import PROBES, compare_pair
from parity.mapping.conversion import Conversion, converted
from parity.mapping.ignored import Ignored
from parity.mapping.loaded import loaded
from parity.mapping.names import match
from parity.results.findings import Findings
from parity.results.verdict import Verdict

if TYPE_CHECKING:  # not needed for a golden file
    from torch import nn as torch_nn


def check(
    mlx: mlx_nn.Module | Callable,
    torch: torch_nn.Module | Callable | None = None,
    inputs: Any = None,
    *,
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
    probes: of `parity.compare.verdicts.PROBES`.
    batched: whether axis 0 of every input and output runs over independent examples; None: assumed of modules with one
        input.

    Raises UsageError, one sentence, for what cannot be compared: parameters that do not match, outputs of different
    shapes, NaN, a module that gives different results for the same input or does not run on the CPU.
    """
    if golden is not None:
        from parity.golden.check import check_golden, refuse

        brought = dict(torch=torch, inputs=inputs, reference=reference, torch_call=torch_call, seed=seed or None)
        refuse(**brought, batched=batched)
        return check_golden(
            mlx, golden, names, mlx_call, parameters, ignore, dtypes, compiled, everywhere, probes, name
        )
    if torch is None:
        raise UsageError("there is nothing to compare with: give PyTorch's module and inputs, or golden=FILE.")
    pair = paired(mlx, torch, reference, derived(names, mlx, parameters), mlx_call, torch_call, name, Ignored(ignore))
    chosen = tuple(variants(several(dtypes, "dtypes"), several(compiled, "compiled"), everywhere))
    probes = several(probes, "probes")
    if unknown := [probe for probe in probes if probe not in PROBES]:
        raise UsageError(f"there is no probe {unknown[0]!r}: choose from {', '.join(PROBES)}.")
    generator = stream(seed, f"parity/{pair.name}")
    pair, values, weights = weighted(pair, parameters, generator)

    def at(given: tuple) -> list[Verdict]:
        alone = batched if batched is not None else len(given) == 1 and from_torch(torch, "nn.Module")
        outputs = deterministic(pair, Point(values, given, {}, {}))
        pair.mlx.left_out.require_use(of_outputs=True)
        return weights + list(compare_pair(pair, draw_point(values, given, outputs, generator, alone), chosen, probes))

    if hasattr(inputs, "example") and hasattr(inputs, "validate"):
        from parity.compare.strategies import explored

        verdicts = explored(lambda given: at(arguments(list(given), generator)), inputs, examples)
    else:
        verdicts = at(arguments(inputs, generator))
    described, ignored = tuple(pair.names.described()), pair.mlx.left_out.verdicts(pair.name)
    return Findings(pair.name, tuple(verdicts), described, tuple(notes(pair, verdicts)), ignored)


def paired(
    mlx: Any, torch: Any, reference: Any, names: Any, mlx_call: Any, torch_call: Any, name: str | None,
    left_out: Ignored | None = None,
) -> Pair:  # fmt: skip
    """The pair, its parameters matched. Raises UsageError."""
    from parity.compare.torch_side import TorchSide

    require(mlx, isinstance(mlx, mlx_nn.Module), "mlx")
    require(torch, from_torch(torch, "nn.Module"), "torch")
    if from_torch(mlx, "nn.Module") or isinstance(torch, mlx_nn.Module):
        raise UsageError("the two sides are exchanged: MLX's comes first, then PyTorch's.")
    left_out = left_out or Ignored()
    ours, theirs = MlxSide(mlx, mlx_call, left_out), TorchSide(torch, torch_call, left_out)
    title = name or getattr(torch, "__name__", type(torch).__name__)
    return matched(title, ours, theirs, names, reference)


def require(target: Any, is_module: bool, backend: str) -> None:
    """Raise UsageError if one side is neither a module nor a function."""
    if not is_module and (not callable(target) or isinstance(target, type)):
        raise UsageError(f"{backend} is {target!r}: give an object of {backend}.nn.Module or a function of arrays.")


def matched(title: str, ours: MlxSide, theirs: Any, names: Any, reference: Any = None) -> Pair:
    """The pair of two sides, PyTorch's or what a golden file has of it. Raises UsageError."""
    ours.left_out.require_use(of_outputs=False)
    shapes = [{key: x.shape for key, x in arrays.items()} for arrays in (ours.parameters(), theirs.parameters())]
    buffers = {key: x.shape for key, x in theirs.buffers().items()}
    if isinstance(names, Conversion):
        names = names.rules(shapes[0], ours.ignored, theirs)
    return Pair(title, theirs, ours, match(*shapes, names, buffers), reference)


def derived(names: Any, mlx: Any, parameters: Any) -> Any:
    """The names, of loaded weights by the port's conversion where none are given."""
    converts = names is None and callable(getattr(mlx, "sanitize", None))
    return converted(mlx.sanitize) if converts and as_loaded(parameters) else names


def as_loaded(parameters: Any) -> bool:
    """Whether the weights are those that the modules have. Raises UsageError for another word."""
    if isinstance(parameters, str) and parameters != "loaded":
        raise UsageError(f'parameters is {parameters!r}: say "loaded", or give values by PyTorch\'s names.')
    return isinstance(parameters, str)


def several(words: Any, what: str) -> tuple[str, ...]:
    """Words as a tuple, of a tuple, a list or a single word. Raises UsageError for anything else."""
    if isinstance(words, str):
        return (words,)
    if not isinstance(words, tuple | list):
        raise UsageError(f"{what} is {words!r}: give a word or a tuple of words.")
    return tuple(words)


def weighted(
    pair: Pair, parameters: Arrays | str | None, generator: np.random.Generator
) -> tuple[Pair, Arrays, list[Verdict]]:
    """(the pair, the parameters of the comparison, the verdicts on weights as loaded). Raises UsageError."""
    if not as_loaded(parameters):
        return pair, valued(pair, parameters, generator), []
    theirs = pair.torch.parameters() | pair.torch.buffers()
    precisions = pair.mlx.precisions(), pair.torch.stored()[0]
    values, verdicts, names = loaded(pair.name, pair.names, pair.mlx.parameters(), theirs, *precisions)
    return replace(pair, names=names), values, verdicts


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
