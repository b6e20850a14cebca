"""The PyTorch backend's operators, and their kernels on MPS.

Follow. A dispatch mode sees every ATen operator after autograd has taken its composites apart, forward and backward.
Everything runs twice: on the CPU, with numbers, and (all but the optimizer, whose fused kernel refuses it) on the
`meta` device, which has shapes but no numbers. There a CPU tensor reveals a tensor made without `device=`, and an
operator that must know the numbers stops. Attention uses the formula that MPS uses, not the CPU's fused kernel.

Look up: `operator_table`. A composite that the mode sees undivided is taken apart under it, even where the CPU has a
kernel for it, since MPS would do so.

Limits. The mode sees parts where MPS has one kernel for a composite: `records.UNDIVIDED` adds those. A kernel's dtypes
and shapes are not in the table.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lyceum.personas import Plan
from lyceum.personas.spec.case import Case
from parity.mps_audit.operator_table import composite, serve
from parity.mps_audit.records import UNDIVIDED
from parity.mps_audit.trace import Trace
from parity.project.full_model import drawn
from parity.project.layers import method_of, torch_module
from torch_ref.model import Model
from torch_ref.trainer import Trainer

__all__ = ["BACKEND", "follow", "follow_case", "follow_module", "follow_step", "model", "serve"]

BACKEND = "torch"
WIDE = (torch.float64, torch.complex128)


class Operators(TorchDispatchMode):
    """Records every dispatched operator in a trace, with float64 and, off the CPU, CPU tensors as flaws."""

    def __init__(self, trace: Trace, device: str):
        super().__init__()
        self.trace, self.device = trace, device
        self.opened: list[str] = []  # composites that are being taken apart

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name, kwargs = function.name(), kwargs or {}
        self.trace.names[name] = None
        self.look(name, (args, kwargs))
        if (key := composite(name)) and name not in self.opened:
            self.opened.append(name)
            with self:
                result = function._op_dk(getattr(torch._C.DispatchKey, key), *args, **kwargs)
            self.opened.pop()
        else:
            result = function(*tensors(function, args), **kwargs)
        self.look(name, result)
        return result

    def look(self, name: str, values: object) -> None:
        tensors = [value for value in tree_leaves(values) if isinstance(value, Tensor)]
        if any(x.dtype in WIDE for x in tensors):
            self.trace.flaws[f"float64 in {name}"] = "Apple's GPU has no float64: make it float32"
        if self.device != "cpu" and any(x.device.type == "cpu" for x in tensors):
            self.trace.flaws[f"CPU tensor in {name}"] = "stays on the CPU when the model moves: give it the device"


def tensors(function: torch._ops.OpOverload, args: tuple) -> tuple:
    """The arguments, numbers as tensors where the schema says so: a mode gets numbers, which not all operators take."""
    types = [str(argument.type) for argument in function._schema.arguments]
    return tuple(
        torch.tensor(x) if schema_type == "Tensor" and isinstance(x, int | float) else x
        for schema_type, x in zip(types, args, strict=False)
    )


class Functions(TorchFunctionMode):
    """Records the composites for which MPS has one kernel in a trace."""

    def __init__(self, trace: Trace):
        super().__init__()
        self.trace = trace

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.trace.names |= dict.fromkeys(UNDIVIDED.get(function, ()))
        return function(*args, **(kwargs or {}))


def follow(run: Callable[[], object], device: str = "cpu", trace: Trace | None = None) -> Trace:
    """What `run` dispatches on `device`, added to `trace`."""
    trace = trace or Trace()
    with sdpa_kernel(SDPBackend.MATH), Functions(trace), Operators(trace, device):
        try:
            run()
        except (RuntimeError, NotImplementedError) as error:
            if device == "cpu":
                raise
            trace.flaws["stops on a device"] = str(error).splitlines()[0]
    return trace


def follow_module(module: nn.Module, method: str, *inputs: np.ndarray | dict) -> Trace:
    """A float32 module's method and its gradient in every parameter and floating input, on the CPU and on `meta`."""
    trace = Trace()
    for device in ("cpu", "meta"):
        module = module.to(device, torch.float32)
        arguments = [on(device, x) for x in inputs]
        leaves = [x for x in (*arguments, *module.parameters()) if isinstance(x, Tensor) and x.requires_grad]

        def run(module=module, arguments=arguments, leaves=leaves) -> None:
            outputs = [y for y in tree_leaves(method_of(module, method)(*arguments)) if y.requires_grad]
            if not outputs:  # integers, which have no gradient
                return
            torch.autograd.grad(outputs, leaves, [torch.ones_like(y) for y in outputs], allow_unused=True)

        follow(run, device, trace)
    return trace


def on(device: str, x: np.ndarray | dict) -> Tensor | dict:
    """NumPy arrays as the trainer passes them: floating ones in float32, integers in int64."""
    if isinstance(x, dict):
        return {name: on(device, value).detach() for name, value in x.items()}
    dtype = torch.float32 if x.dtype.kind == "f" else torch.int64
    return torch.tensor(x, dtype=dtype, device=device, requires_grad=x.dtype.kind == "f")


def model(plan: Plan) -> nn.Module:
    """The model of a plan."""
    return Model(plan)


def follow_case(case: Case) -> Trace:
    """A case's method and its gradient."""
    generator = np.random.default_rng(0)
    module = torch_module(case.spec, case.parameters(generator), torch.float32)
    return follow_module(module, case.method, *case.arguments(generator))


def follow_step(plan: Plan) -> Trace:
    """Two steps of the real trainer, an evaluation, and its state read and written back."""
    return follow(lambda: train(plan))


def train(plan: Plan) -> None:
    _, ids, targets, noise = drawn(plan, 0)
    trainer = Trainer(plan, 0, "cpu")
    for _ in range(2):
        trainer.step(ids, targets, noise, plan.recipe.peak_lr)
    trainer.losses(ids, targets)
    trainer.write(trainer.read())
