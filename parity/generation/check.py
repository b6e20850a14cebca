"""`parity.check_generation`: do both frameworks write the same text, token for token? If not, is it rounding?

    parity.check_generation(mlx_model, torch_model, parity.integers((2, 5), below=97), steps=32)

Both continue the prompt greedily: the likeliest token is appended, again and again, through the model's cache, in every
precision asked for. `parity.generation.paths` says how the tokens are compared with the oracle, PyTorch in float64 that
is given the text at once. So a cache that goes wrong, a token that is shifted and logits that differ all show, and two
tokens of nearly equal logits do not fail: the result names the first differing token of each text, its margin, and
whether rounding explains it. Where the harness writes the text itself, the logits of every step are compared as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch as pytorch
from mlx import core as mx
from mlx import nn as mlx_nn
from torch import nn as torch_nn

from lyceum.contract import UsageError
from lyceum.personas.spec.case import representable
from lyceum.rng import stream
from parity.bounds.rounding import UNIT
from parity.compare.check import precisions
from parity.compare.inputs import arguments
from parity.compare.pairing import paired
from parity.compare.usage import NAMES, explained
from parity.generation.cached import Cached, cached, copied, joined, tensors, values
from parity.generation.paths import Path
from parity.generation.report import Difference, Generation
from parity.results.verdict import Verdict, compare
from parity.sides.mlx_side import MlxSide
from parity.sides.test_point import Arrays, Point
from parity.sides.torch_side import TorchSide
from parity.sides.variants import Variant


@dataclass(frozen=True)
class Writer:
    """One framework's model, how it writes, and its parameters by that framework's names."""

    backend: str
    model: Any
    write: Callable[..., dict[str, Any]]
    parameters: Arrays

    def written(self, dtype: str, prompt: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """(tokens (B, n), logits (B, n, V) or None), of a precision."""
        point, variant = Point(self.parameters, (prompt,), {}, {}).rounded(dtype), Variant(self.backend, dtype)
        with explained(f"generation: {NAMES[self.backend]}", point):
            got = values(self.model, self.write, point, variant)
        tokens = np.atleast_2d(got["tokens"]).astype(np.int64)
        if np.array_equal(tokens[:, : prompt.shape[1]], prompt) and "logits" not in got:
            tokens = tokens[:, prompt.shape[1] :]
        return tokens, got.get("logits")


def check_generation(
    mlx: mlx_nn.Module,
    torch: torch_nn.Module,
    prompt: Any,
    *,
    steps: int = 32,
    names: Any = None,
    parameters: str | None = None,
    mlx_call: Callable | None = None,
    torch_call: Callable | None = None,
    mlx_cache: Callable | None = None,
    torch_cache: Callable | None = None,
    mlx_generate: Callable | None = None,
    torch_generate: Callable | None = None,
    dtypes: tuple[str, ...] = ("float64", "float32"),
    seed: int = 0,
    name: str | None = None,
) -> Generation:
    """Compare greedy generation; a verdict for every text, variant and, where they are known, for the logits.

    mlx, torch: the models, which are not changed. prompt: (B, T) token ids, as `parity.check` takes inputs.
    steps: how many tokens to write. names: as in `parity.check`.
    parameters: None: PyTorch's, carried to MLX by name; "loaded": each model's, as it is.
    mlx_call, torch_call, mlx_cache, torch_cache: `call` and `new_cache` of `parity.check_decode`, whose outputs are
        logits (B, T, V). None: as mlx-lm and transformers have them.
    mlx_generate, torch_generate: a generator of the user's, (model, prompt, steps) -> the new token ids (B, n), or the
        prompt and them, instead of this loop; then the logits are not compared.
    dtypes: of float64, float32, bfloat16, float16.

    Raises UsageError, one sentence, for what cannot be compared.
    """
    case = f"generation: {name or type(torch).__name__}"
    text = prompted(prompt, seed)
    if not isinstance(steps, int) or steps < 1:
        raise UsageError(f"steps is {steps!r}: give how many tokens to write, at least 1.")
    mlx, torch = copied(mlx, "mlx"), copied(torch, "torch")
    ours = None if mlx_generate else cached(mlx, mlx_call, mlx_cache)
    libraries = cached(torch, torch_call, torch_cache), ours
    writes = [
        partial(generated, generate, steps) if generate else partial(greedy, library, steps)
        for generate, library in zip((torch_generate, mlx_generate), libraries, strict=True)
    ]
    both = zip(("torch", "mlx"), (torch, mlx), writes, weights(mlx, torch, names, parameters), strict=True)
    writers = [Writer(*one) for one in both]
    side = TorchSide(torch, lambda model, x: {"logits": libraries[0].at_once(model, x)})
    verdicts, tokens, differences = [], {}, []
    for dtype in precisions(dtypes):
        oracle = partial(scores, side, writers[0].parameters, text, dtype)
        paths = [Path(*writer.written(dtype, text), oracle, UNIT[_rounding(dtype)]) for writer in writers]
        for writer, path in zip(writers, paths, strict=True):
            verdicts += path.verdicts(case, Variant(writer.backend, dtype))
            tokens[f"{writer.backend} {dtype}"] = path.tokens
        verdicts += lengths(case, dtype, *paths)
        differences += compared(dtype, *paths)
    return Generation(case, tuple(verdicts), tokens=tokens, differences=tuple(differences))


def _rounding(dtype: str) -> str:
    return "float32" if dtype == "float64" else dtype


def prompted(prompt: Any, seed: int) -> np.ndarray:
    """The prompt (B, T). Raises UsageError."""
    given = arguments(prompt, stream(seed, "parity/generation"))
    text = given[0] if len(given) == 1 else None
    if not isinstance(text, np.ndarray) or text.dtype.kind not in "iu" or text.ndim != 2:
        raise UsageError("the prompt must be token ids (B, T): an array, or parity.integers((B, T), below=...).")
    return text.astype(np.int64)


def weights(mlx: mlx_nn.Module, torch: torch_nn.Module, names: Any, parameters: str | None) -> tuple[Arrays, Arrays]:
    """(PyTorch's parameters, MLX's), float64 that holds float32 numbers. Raises UsageError."""
    theirs = {key: representable(x) for key, x in TorchSide(torch).parameters().items()}
    if parameters is None:
        pair = paired(mlx, torch, None, names, None, None, None)
        return theirs, pair.names.to_mlx(pair.torch.buffers() | theirs)
    if parameters != "loaded":
        raise UsageError(f"parameters is {parameters!r}: give 'loaded', or None for PyTorch's in both.")
    return theirs, MlxSide(mlx).parameters()


def greedy(library: Cached, steps: int, model: Any, prompt: Any) -> dict[str, Any]:
    """The tokens and logits of a greedy continuation through the cache."""
    cache, x, tokens, logits = library.start(model), prompt, [], []
    for _ in range(steps):
        y, cache = library.step(model, x, cache)
        last = y[:, -1]
        torchs = isinstance(last, pytorch.Tensor)
        x = last.argmax(-1, keepdim=True) if torchs else mx.argmax(last, axis=-1, keepdims=True)
        tokens.append(x)
        logits.append(last[:, None])
    return {"tokens": joined(tokens), "logits": joined(logits)}


def generated(generate: Callable, steps: int, model: Any, prompt: Any) -> dict[str, Any]:
    """The tokens of the user's generator."""
    tokens = generate(model, prompt, steps)
    if not hasattr(tokens, "shape"):
        tokens = pytorch.tensor(tokens) if isinstance(prompt, pytorch.Tensor) else mx.array(tokens)
    return {"tokens": tokens}


def scores(side: TorchSide, parameters: Arrays, prompt: np.ndarray, dtype: str, tokens: np.ndarray) -> pytorch.Tensor:
    """The oracle's logits (B, n, V) before each token: the text at once, in PyTorch's float64."""
    text = np.concatenate([prompt, tokens[:, :-1]], axis=1)
    point = Point(parameters, (text,), {}, {}).rounded(dtype)
    return tensors(side, point)["logits"][:, prompt.shape[1] - 1 :].detach()


def lengths(case: str, dtype: str, theirs: Path, ours: Path) -> Iterator[Verdict]:
    """A verdict, where one of them stopped earlier than the other although it wrote the same so far."""
    n = min(theirs.tokens.shape[1], ours.tokens.shape[1])
    if theirs.tokens.shape != ours.tokens.shape and np.array_equal(theirs.tokens[:, :n], ours.tokens[:, :n]):
        counts = (np.array(float(path.tokens.shape[1])) for path in (ours, theirs))
        yield compare(case, f"mlx {dtype}", "number of tokens", *counts, 0.0, "after the same tokens")


def compared(dtype: str, theirs: Path, ours: Path) -> Iterator[Difference]:
    """The first token in which each text differs."""
    n = min(theirs.tokens.shape[1], ours.tokens.shape[1])
    differ = theirs.tokens[:, :n] != ours.tokens[:, :n]
    for text in np.flatnonzero(differ.any(axis=1)).tolist():
        step = int(differ[text].argmax())
        tokens = [int(path.tokens[text, step]) for path in (theirs, ours)]
        z = theirs.truth[text, step]
        bounds = [path.allowed.get((text, step), 0.0) for path in (theirs, ours)]
        explained_ = all(path.gap(text, step) <= bound for path, bound in zip((theirs, ours), bounds, strict=True))
        margin = float(abs(z[tokens[0]] - z[tokens[1]]))
        yield Difference(dtype, text, step, *tokens, margin, max(bounds), explained_)
