"""A model that is given a text in parts, with a cache of any sort, in either framework.

A user says two things: `call`, a function (model, x, cache) that returns the outputs, or the outputs and the cache to
go on with; and `new_cache`, a function of the model that returns an empty cache. A cache of None asks for all of x at
once. Without a `new_cache` the first part is given None, and what `call` returns is the cache.

Models of `mlx-lm` and of `transformers` are known: for them neither is needed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np
import torch
from mlx import nn as mlx_nn
from mlx.utils import tree_flatten
from torch import nn as torch_nn

from lyceum.contract import UsageError
from parity.compare.usage import NAMES
from parity.float64 import exact
from parity.sides.mlx_side import FLOATING, MlxSide
from parity.sides.test_point import Point
from parity.sides.torch_side import TorchSide
from parity.sides.trees import leaves
from parity.sides.variants import Variant

BEGIN = "begin"  # the cache of a model of `transformers` before its first part: the model makes one of its sort


@dataclass(frozen=True)
class Cached:
    """call, new_cache: see the module. name: of the model's class, for sentences."""

    call: Callable[..., Any]
    new_cache: Callable[[Any], Any] | None
    name: str

    def at_once(self, model: Any, x: Any, *rest: Any) -> Any:
        """The outputs for all of x, without a cache."""
        returned = self.call(model, x, None, *rest)
        return returned[0] if _with_cache(returned) else returned

    def start(self, model: Any) -> Any:
        """An empty cache, wide where the model is."""
        cache = self.new_cache(model) if self.new_cache else None
        return widened(cache) if _is_wide(model) else cache

    def step(self, model: Any, x: Any, cache: Any, *rest: Any) -> tuple[Any, Any]:
        """(outputs for the part x, the cache after it)."""
        returned = self.call(model, x, cache, *rest)
        if _with_cache(returned):
            return returned
        if cache is None:
            raise UsageError(
                f"{self.name}: without new_cache, call must return the outputs and the cache, and it returned "
                f"{type(returned).__name__} alone: say new_cache=, or return both."
            )
        return returned, cache


def _with_cache(returned: Any) -> bool:
    return isinstance(returned, tuple) and len(returned) == 2


def cached(model: Any, call: Callable | None, new_cache: Callable | None) -> Cached:
    """How this model is called with its cache. Raises UsageError for an unknown one without `call`."""
    name = type(model).__name__
    if call is not None:
        return Cached(call, new_cache, name)
    if isinstance(model, mlx_nn.Module) and (new_cache or hasattr(model, "make_cache") or hasattr(model, "layers")):
        return Cached(lambda model, x, cache: model(x, cache=cache), new_cache or _mlx_lm_cache, name)
    if is_of_transformers(model):
        return Cached(_transformers_call, new_cache or (lambda model: BEGIN), name)
    raise UsageError(
        f"{name}: say how it is called with its cache, as call=lambda model, x, cache: (outputs, cache), where a cache "
        "of None asks for all of x at once."
    )


def transformers_scores(model: Any, *inputs: Any) -> torch.Tensor:
    """What a model of `transformers` computes, as one array: the logits, or the last hidden vectors."""
    outputs = model(*inputs, use_cache=False)
    return outputs.logits if "logits" in outputs else outputs.last_hidden_state


def is_of_transformers(model: Any) -> bool:
    """Whether it is a model of `transformers`, of which nothing is imported."""
    return "PreTrainedModel" in {parent.__name__ for parent in type(model).__mro__}


def _mlx_lm_cache(model: mlx_nn.Module) -> Any:
    if hasattr(model, "make_cache"):
        return model.make_cache()
    try:
        from mlx_lm.models.cache import make_prompt_cache
    except ImportError as error:
        name = type(model).__name__
        raise UsageError(f"{name} has no make_cache and mlx-lm is not installed: say new_cache=.") from error
    return make_prompt_cache(model)


def _transformers_call(model: torch_nn.Module, x: torch.Tensor, cache: Any) -> Any:
    if cache is None:
        return transformers_scores(model, x)
    outputs = model(x, past_key_values=None if isinstance(cache, str) else cache, use_cache=True)
    return (outputs.logits if "logits" in outputs else outputs.last_hidden_state), outputs.past_key_values


def _is_wide(model: Any) -> bool:
    if isinstance(model, mlx_nn.Module):
        return any(x.dtype == mx.float64 for _, x in tree_flatten(model.parameters()))
    return any(x.dtype == torch.float64 for x in model.parameters())


def widened(cache: Any, seen: set[int] | None = None) -> Any:
    """A cache whose floating arrays are float64: lists, dictionaries, and the attributes of any object but a model."""
    seen = set() if seen is None else seen
    if isinstance(cache, mx.array):
        return cache.astype(mx.float64) if cache.dtype in FLOATING else cache
    if isinstance(cache, torch.Tensor):
        return cache.double() if cache.is_floating_point() else cache
    if isinstance(cache, mlx_nn.Module | torch_nn.Module) or id(cache) in seen:
        return cache
    seen.add(id(cache))
    if type(cache) is dict:
        return {key: widened(value, seen) for key, value in cache.items()}
    if type(cache) in (list, tuple):
        return type(cache)(widened(value, seen) for value in cache)
    for key, value in getattr(cache, "__dict__", {}).items():
        cache.__dict__[key] = widened(value, seen)
    return cache


def copied(model: Any, backend: str) -> Any:
    """A copy to work on, so that the model that was given is not changed. Raises UsageError for another framework's."""
    if not isinstance(model, {"mlx": mlx_nn.Module, "torch": torch_nn.Module}[backend]):
        raise UsageError(f"{backend} is of {type(model)}: give an object of {backend}.nn.Module.")
    try:
        return copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        line = str(error).partition("\n")[0]
        raise UsageError(f"{NAMES[backend]}'s {type(model).__name__} cannot be copied: {line}") from error


def flat(outputs: Any) -> dict[str, Any]:
    """Any outputs by name; an array alone is "output"."""
    return dict(leaves(outputs, "output"))


def joined(parts: list[Any]) -> Any:
    """Arrays one after the other along axis 1, that of time."""
    return torch.cat(parts, 1) if isinstance(parts[0], torch.Tensor) else mx.concatenate(parts, axis=1)


def values(model: Any, call: Callable, point: Point, variant: Variant) -> dict[str, np.ndarray]:
    """What `call`, which returns a dictionary, computes in a variant; float64 by the dictionary's names."""
    side = TorchSide(model, call) if variant.backend == "torch" else MlxSide(model, call)
    with exact() if (variant.backend, variant.dtype) == ("mlx", "float64") else nullcontext():
        results = side.evaluate("value", point, variant)
    return {name.removeprefix("output "): y for (probe, name), y in results.items() if probe == "value"}


def tensors(side: TorchSide, point: Point) -> dict[str, torch.Tensor]:
    """The same of PyTorch's oracle, as tensors, for random rounding."""
    results = side.tensors(("value",), point)
    return {name.removeprefix("output "): y for (probe, name), y in results.items() if probe == "value"}
