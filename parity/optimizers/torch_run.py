"""A PyTorch optimizer, run step by step in float32 or float64, or in float64 ready for random rounding.

The oracle is the single-tensor implementation in float64 (foreach and fused off). To measure how far rounding may carry
an implementation from it (`parity.bounds.rounding`), every rounding of a working precision must be an operation here:

- PyTorch's fused operations (lerp, addcmul, addcdiv, addmm, a scaled sum) are carried out one by one, `Elementary`;
- the constants (learning rate, betas, decay) are rounded, since MLX holds them in the precision of the parameters;
- so are Adam's bias corrections 1 - beta^k, which MLX computes in that precision, where for k = 1 and beta = 0.999
  three digits cancel. PyTorch computes them with tensors when the group says "differentiable".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from lyceum.contract import UsageError
from parity.optimizers.inputs import OptimizerInputs

Make = Callable[[list[nn.Parameter]], Any]
Key = tuple[str, str, int]  # (parameter, name of its state or "" for the parameter, after how many steps)

aten = torch.ops.aten
FUSED = {
    aten.lerp: lambda a, b, weight: a * (1 - weight) + b * weight,
    aten.addcmul: lambda a, x, y, value=1: a + x * y * value,
    aten.addcdiv: lambda a, x, y, value=1: a + x / y * value,
    aten.add: lambda a, b, alpha=1: a + b * alpha,
    aten.addmm: lambda a, x, y, beta=1, alpha=1: a * beta + x @ y * alpha,
}
INPLACE = {aten.lerp_: aten.lerp, aten.addcmul_: aten.addcmul, aten.addcdiv_: aten.addcdiv, aten.add_: aten.add}


class Elementary(TorchDispatchMode):
    """Carries out fused updates operation by operation."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, packet = kwargs or {}, func.overloadpacket
        plain = INPLACE.get(packet, packet)
        if plain not in FUSED or (plain is aten.add and "alpha" not in kwargs):
            return func(*args, **kwargs)
        outcome = FUSED[plain](*args, **kwargs)
        return args[0].copy_(outcome) if packet in INPLACE else outcome


def rounded(constant: Any) -> Any:
    """A float as a product with 1, which only random rounding changes; tuples entry by entry."""
    if isinstance(constant, tuple):
        return tuple(rounded(entry) for entry in constant)
    return (torch.tensor(constant, dtype=torch.float64) ** 1.0).item() if isinstance(constant, float) else constant


def single(optimizer: torch.optim.Optimizer) -> None:
    """Choose the single-tensor implementation."""
    for group in optimizer.param_groups:
        group.update({key: False for key in ("foreach", "fused") if key in group})


def open_to_rounding(optimizer: torch.optim.Optimizer) -> None:
    """The same, with constants and bias corrections that can be rounded."""
    single(optimizer)
    for group in optimizer.param_groups:
        group.update({key: rounded(value) for key, value in group.items()})
        group.update({key: True for key in ("differentiable",) if key in group})


def made(make: Make, named: dict[str, nn.Parameter]) -> tuple[torch.optim.Optimizer, Any]:
    """(optimizer, scheduler or None) that `make` builds on these parameters. Raises UsageError, one sentence."""
    try:
        built = make(list(named.values()))
    except (TypeError, ValueError) as error:
        shapes = ", ".join(f"{name} {tuple(p.shape)}" for name, p in named.items())
        raise UsageError(f"PyTorch's optimizer cannot be made on the parameters {shapes}: {error}") from error
    optimizer, scheduler = built if isinstance(built, tuple) and len(built) == 2 else (built, None)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise UsageError(
            f"torch must return a torch.optim.Optimizer (or it and its scheduler), not {described(optimizer)}."
        )
    if isinstance(optimizer, torch.optim.LBFGS):
        raise UsageError(
            "LBFGS evaluates the loss as it goes, and here only gradients are given: it cannot be checked."
        )
    given = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if given != {id(p) for p in named.values()}:
        raise UsageError("torch must hand the optimizer every parameter it is given, and no other.")
    return optimizer, scheduler


def described(value: Any) -> str:
    """What something is, for a sentence."""
    return f"the class {value.__name__}" if isinstance(value, type) else f"{type(value).__name__}"


def rates(make: Make, inputs: OptimizerInputs) -> list[float]:
    """The learning rates that PyTorch's optimizer starts with, one a group."""
    optimizer, _ = made(make, {name: nn.Parameter(torch.tensor(p)) for name, p in inputs.parameters.items()})
    return [float(group["lr"]) for group in optimizer.param_groups if "lr" in group]


def run(
    make: Make, inputs: OptimizerInputs, dtype: str, prepare: Callable[[torch.optim.Optimizer], None] | None = None
) -> dict[Key, Tensor]:
    """Parameters and state at the marks of `inputs`. prepare: changes the optimizer before the first step."""
    named = {n: nn.Parameter(torch.tensor(p, dtype=getattr(torch, dtype))) for n, p in inputs.parameters.items()}
    optimizer, scheduler = made(make, named)
    if prepare:
        prepare(optimizer)
    states = {}
    for t, gradients in enumerate(inputs.gradients):
        for name, p in named.items():
            p.grad = None if inputs.lacks(name, t) else torch.tensor(gradients[name], dtype=p.dtype)
        if inputs.clip_norm is not None:
            nn.utils.clip_grad_norm_(named.values(), inputs.clip_norm, foreach=False)
        if inputs.learning_rate is not None:
            for group in optimizer.param_groups:
                group["lr"] = rounded(inputs.learning_rate(t))
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        if t + 1 in inputs.marks:
            states |= {(*key, t + 1): value for key, value in state_of(optimizer, named)}
    return states


def run_roundable(make: Make, inputs: OptimizerInputs) -> dict[Key, Tensor]:
    """The same in float64, with an operation for every rounding."""
    before = torch.get_default_dtype()
    # The default precision is the one in which the step is counted, hence that of beta^k.
    torch.set_default_dtype(torch.float64)
    try:
        with Elementary():
            return run(make, inputs, "float64", open_to_rounding)
    finally:
        torch.set_default_dtype(before)


def state_of(
    optimizer: torch.optim.Optimizer, named: dict[str, nn.Parameter]
) -> Iterator[tuple[tuple[str, str], Tensor]]:
    """((parameter, name of its state), value), copied: the parameters, and all of their state but the step count."""
    for name, p in named.items():
        yield (name, ""), p.detach().clone()
        for key, value in optimizer.state[p].items():
            if isinstance(value, Tensor) and key != "step":
                yield (name, key), value.detach().clone()
