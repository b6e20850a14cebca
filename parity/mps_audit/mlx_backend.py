"""The MLX backend's primitives, and their kernels in Metal.

Follow. MLX builds a graph before it computes; `mx.export_function` walks it, backward pass included, and hands over
each primitive with the dtypes of its arrays. Compiled functions are traced through. On a CPU the functions of `mx.fast`
are traced as their parts; the fused primitives that a GPU uses instead are added from `records.FUSED`.

Look up. The headers in every MLX wheel declare each primitive's `eval_gpu`. Declared is not
implemented: for the factorizations of `mx.linalg`, Metal's `eval_gpu` only throws. `records.REFUSED` lists these in the
words of the Metal library, from whose binary `refused` reads them; the record is valid for one version of MLX only.

Limits. A primitive that cannot be exported ends the walk: it fails, and what lies behind it is not seen. Which dtypes
and shapes a kernel takes is not in the headers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from importlib.metadata import version
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten

from lyceum.personas import Plan
from lyceum.personas.spec.case import Case
from mlx_impl.trainer import Trainer
from parity.mps_audit.records import FUSED, MLX_VERSION, REFUSED
from parity.mps_audit.trace import Trace
from parity.project.full_model import drawn
from parity.project.layers import method_of, mlx_module

BACKEND = "mlx"
HEADERS = ("primitives.h", "fast_primitives.h")


@cache
def declared() -> frozenset[str]:
    """The primitives that the installed headers give an `eval_gpu`."""
    folder = Path(mx.__file__).parent / "include" / "mlx"
    text = "\n".join((folder / header).read_text(encoding="utf-8") for header in HEADERS)
    classes = re.finditer(r"^class (?:MLX_API )?(\w+)(?: final)? : public .*?^};", text, re.M | re.S)
    return frozenset(match[1] for match in classes if "eval_gpu" in match[0])


def refused(library: bytes) -> dict[str, str]:
    """{primitive: the words with which it throws} from the binary of a Metal build of MLX."""
    matches = re.findall(rb"\[(\w+)::eval_gpu\] ([\w ]*?NYI|Not implemented)\b", library)
    return {name.decode(): words.decode() for name, words in matches}


def serve(name: str) -> tuple[str, bool]:
    """How Metal serves the primitive `name`, and whether it does."""
    if name in REFUSED:
        return f"CPU only ({REFUSED[name]})", False
    if version("mlx") != MLX_VERSION:
        return f"the refusals on record are MLX {MLX_VERSION}'s: renew them with mlx_backend.refused", False
    return ("kernel declared", True) if name in declared() else ("is not declared in MLX's headers", False)


def follow(function: Callable[..., list[mx.array]], *arguments: mx.array) -> Trace:
    """The primitives in the graph of `function`, which returns a list of arrays; only what these need is seen."""
    trace = Trace()

    def note(part: dict) -> None:
        if part["type"] == "primitive":
            trace.names[part["name"]] = None
            arrays = [dtype for _, _, dtype in (*part["inputs"], *part["outputs"])]
            if mx.float64 in arrays:
                trace.flaws[f"float64 in {part['name']}"] = "Apple's GPU has no float64: make it float32"

    # On the CPU everywhere, so that a Mac traces the same graph, and float64 is recorded rather than refused.
    with mx.stream(mx.cpu), fused(trace):
        try:
            mx.export_function(note, function, *arguments)
        except ValueError as error:
            if not (unknown := re.search(r"state for primitive (\w+)", str(error))):
                raise
            trace.names[unknown[1]] = None
            trace.flaws[f"{unknown[1]} ends the walk"] = "it cannot be exported, and what lies behind it is not seen"
    return trace


@contextmanager
def fused(trace: Trace) -> Iterator[None]:
    """Note the primitives of every function of `mx.fast` that is called; a function without a record notes its name."""
    originals = {name: function for name, function in vars(mx.fast).items() if callable(function) and name[0] != "_"}

    def noting(function: Callable) -> Callable:
        @wraps(function)
        def call(*arguments, **named):
            trace.names |= dict.fromkeys(FUSED.get(function, (f"mx.fast.{function.__name__}",)))
            return function(*arguments, **named)

        return call

    try:
        for name, function in originals.items():
            setattr(mx.fast, name, noting(function))
        yield
    finally:
        for name, function in originals.items():
            setattr(mx.fast, name, function)


def follow_module(module: nn.Module, method: str, *inputs: np.ndarray | dict) -> Trace:
    """A float32 module's method and its gradient in every parameter and floating input."""
    arguments = [on(x) for x in inputs]
    floating = [i for i, x in enumerate(arguments) if isinstance(x, mx.array) and x.dtype == mx.float32]

    def forward(*leaves: mx.array) -> list[mx.array]:
        given = dict(zip(floating, leaves, strict=True))
        outputs = method_of(module, method)(*(given.get(i, x) for i, x in enumerate(arguments)))
        return [y for _, y in tree_flatten(outputs)]

    def total(tree: dict, leaves: list[mx.array]) -> mx.array:
        module.update(tree)
        return sum(y.sum() for y in forward(*leaves))

    def both(*leaves: mx.array) -> list[mx.array]:
        value, gradients = mx.value_and_grad(total, argnums=(0, 1))(tree, list(leaves))
        return [value, *(g for _, g in tree_flatten(gradients))]

    tree, leaves = module.trainable_parameters(), [arguments[i] for i in floating]
    given = leaves or tree_flatten(tree)
    # Integers have no gradient, and there is none with respect to nothing.
    differentiable = given and any(mx.issubdtype(y.dtype, mx.floating) for y in forward(*leaves))
    trace = follow(both if differentiable else forward, *leaves)
    module.update(tree)
    return trace


def on(x: np.ndarray | dict) -> mx.array | dict:
    """NumPy arrays as the trainer passes them: floating ones in float32."""
    if isinstance(x, dict):
        return {name: on(value) for name, value in x.items()}
    return mx.array(x, mx.float32) if x.dtype.kind == "f" else mx.array(x)


def model(plan: Plan) -> nn.Module:
    """The model as the trainer makes it."""
    return Trainer(plan, 0, "cpu").model


def follow_case(case: Case) -> Trace:
    """A case's method and its gradient."""
    generator = np.random.default_rng(0)
    module = mlx_module(case.spec, case.parameters(generator), mx.float32)
    return follow_module(module, case.method, *case.arguments(generator))


def follow_step(plan: Plan) -> Trace:
    """A step of the real trainer, all of its state afterwards, and an evaluation with that state."""
    _, ids, targets, noise = drawn(plan, 0)
    trainer = Trainer(plan, 0, "cpu", compiled=False)
    trainer.optimizer.learning_rate = mx.array(plan.recipe.peak_lr, mx.float32)

    def step(ids: mx.array, targets: mx.array) -> list[mx.array]:
        loss = trainer.update(ids, targets, on(noise))
        state = [x for _, x in tree_flatten(trainer.state) if isinstance(x, mx.array)]
        return [loss, trainer.model.losses(ids, targets, {}), *state]

    return follow(step, on(ids), on(targets))
