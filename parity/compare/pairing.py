"""Two sides made a pair: modules or functions, their parameters matched, keywords as a last input."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlx import nn as mlx_nn

from lyceum.contract import UsageError
from parity.compare.pair import Pair
from parity.mapping.conversion import Conversion, converted
from parity.mapping.ignored import Ignored
from parity.mapping.modules import matched
from parity.sides.mlx_side import MlxSide
from parity.sides.trees import from_torch

if TYPE_CHECKING:  # not needed for a golden file
    from parity.golden.side import GoldenSide
    from parity.sides.torch_side import TorchSide


def paired(
    mlx: Any,
    torch: Any,
    reference: Any,
    names: Any,
    mlx_call: Any,
    torch_call: Any,
    name: str | None,
    left_out: Ignored | None = None,
) -> Pair:
    """The pair, its parameters matched. Raises UsageError."""
    from parity.sides.torch_side import TorchSide

    require(mlx, isinstance(mlx, mlx_nn.Module), "mlx")
    require(torch, from_torch(torch, "nn.Module"), "torch")
    if from_torch(mlx, "nn.Module") or isinstance(torch, mlx_nn.Module):
        raise UsageError("the two sides are exchanged: MLX's comes first, then PyTorch's.")
    left_out = left_out or Ignored()
    ours, theirs = MlxSide(mlx, mlx_call, left_out), TorchSide(torch, torch_call, left_out)
    title = name or getattr(torch, "__name__", type(torch).__name__)
    return joined(title, ours, theirs, names, reference, torch)


def require(target: Any, is_module: bool, backend: str) -> None:
    """Raise UsageError if one side is neither a module nor a function."""
    if not is_module and (not callable(target) or isinstance(target, type)):
        raise UsageError(f"{backend} is {target!r}: give an object of {backend}.nn.Module or a function of arrays.")


def joined(
    title: str,
    ours: MlxSide,
    theirs: TorchSide | GoldenSide,
    names: Any,
    reference: Callable | None = None,
    module: Any = None,
) -> Pair:
    """The pair of two sides; module: PyTorch's, None with a golden file. Raises UsageError."""
    ours.left_out.require_use(of_outputs=False)
    parameters = ours.parameters()
    if isinstance(names, Conversion):
        names = names.rules(parameters, ours.ignored, theirs)
    names = matched(parameters, theirs.parameters(), theirs.buffers(), names, module)
    return Pair(title, theirs, ours, names, reference)


def by_keyword(target: Any, call: Callable | None) -> tuple[Any, Callable | None]:
    """A target and the way of calling it, which take a dictionary of keywords as their last input."""
    if isinstance(target, mlx_nn.Module) or from_torch(target, "nn.Module"):
        return target, unpacking(call or (lambda module, *given, **named: module(*given, **named)))
    return (unpacking(target) if callable(target) else target), call


def unpacking(function: Callable) -> Callable:
    """A function that takes the keywords of another as a dictionary, its last argument."""
    unpacked = lambda *given: function(*given[:-1], **given[-1])  # noqa: E731 - it gets the other's name
    unpacked.__name__ = getattr(function, "__name__", type(function).__name__)
    return unpacked


def derived(names: Any, mlx: Any, parameters: Any) -> Any:
    """The names, of loaded weights by the port's conversion where none are given."""
    converts = names is None and callable(getattr(mlx, "sanitize", None))
    return converted(mlx.sanitize) if converts and as_loaded(parameters) else names


def as_loaded(parameters: Any) -> bool:
    """Whether the weights are those that the modules have. Raises UsageError for another word."""
    if isinstance(parameters, str) and parameters != "loaded":
        raise UsageError(f'parameters is {parameters!r}: say "loaded", or give values by PyTorch\'s names.')
    return isinstance(parameters, str)
