"""A PyTorch module or function, evaluated at a point in any precision, without being changed.

The module runs through `torch.func.functional_call`, which lends it other parameters and buffers for one call.
`parity.compare.test_point` defines the probes.

Buffers that float32 cannot represent (the inverse frequencies of rotary positions, say) are multiplied by 1, a rounding
that `parity.bounds.rounding` sees: a variant in float32 rounds them too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from lyceum.personas.spec.case import representable
from parity.compare.test_point import Arrays, Point, Values, arranged
from parity.compare.trees import leaves
from parity.compare.variants import ORACLE, Variant
from parity.float64.both import casts
from parity.float64.torch_mode import exact_torch
from parity.mapping.ignored import Ignored

Tensors = dict[tuple[str, str], Tensor]


class Called(nn.Module):
    """A module under a chosen way of calling it, so that `functional_call` reaches any method."""

    def __init__(self, module: nn.Module, call: Callable):
        super().__init__()
        self.module, self.call = module, call

    def forward(self, *inputs: Any) -> Any:
        return self.call(self.module, *inputs)


class TorchSide:
    """target: a module, or a function of the inputs. call: (module, *inputs) -> outputs; the module itself if None."""

    backend = "torch"

    def __init__(self, target: nn.Module | Callable, call: Callable | None = None, left_out: Ignored | None = None):
        if isinstance(target, nn.Module):
            self.called = Called(target, call or (lambda module, *inputs: module(*inputs)))
        else:
            self.called = Called(nn.Module(), lambda _, *inputs: target(*inputs))
        # Asked once and in NumPy, where neither functorch nor whoever watches for casts takes notice.
        self._fine = {name for name, x in self.buffers().items() if not np.array_equal(representable(x), x)}
        self.left_out = left_out or Ignored()
        self.ignored = self.left_out.among("PyTorch's parameter", dict(self.called.module.named_parameters()))
        self.ignored |= self.left_out.among("PyTorch's buffer", self.buffers())
        self._casts: bool | None = None  # whether it asks for float32 by itself; None before it has been watched

    def parameters(self) -> Arrays:
        """Its parameters, float64, by name."""
        named = self.called.module.named_parameters()
        return {name: x.detach().double().cpu().numpy() for name, x in named if name not in self.ignored}

    def buffers(self) -> Arrays:
        """Its floating buffers, float64, by name."""
        named = self.called.module.named_buffers()
        return {name: x.detach().double().cpu().numpy() for name, x in named if x.is_floating_point()}

    def stored(self) -> tuple[dict[str, str], set[str]]:
        """(The precisions in which it has its parameters and buffers, by name; the names that a checkpoint has.)"""
        module = self.called.module
        named = (*module.named_parameters(), *module.named_buffers())
        return {name: str(x.dtype)[6:] for name, x in named}, set(module.state_dict())

    def evaluate(self, probe: str, point: Point, variant: Variant) -> Values:
        """The probe's arrays, float64, as this variant computes them: forward mode for jvp."""
        native = {"jvp": self._forward, "looped": self._looped, "vmapped": self._vmapped}
        if probe not in native:
            return _arrays(self.tensors((probe,), point, variant))
        setting = _Setting(variant)
        # The fused attention kernels have neither forward mode nor vmap.
        with self._exactly(point, setting), sdpa_kernel(SDPBackend.MATH):
            return _arrays({(probe, name): x for name, x in native[probe](point, setting).items()})

    def tensors(self, probes: tuple[str, ...], point: Point, variant: Variant = ORACLE) -> Tensors:
        """The probes "value", which always comes along, "gradient", "jvp" and "second" as tensors, by reverse mode.

        J v is the derivative in c of <J^T c, v>: reverse mode twice needs no other rules than the gradient does, so an
        oracle made of it can check the rules of forward mode.
        """
        setting = _Setting(variant)
        with self._exactly(point, setting):
            if set(probes) <= {"value"}:
                return {("value", name): y for name, y in self._outputs(point, setting).items()}
            return self._reverse(probes, point, setting)

    def _exactly(self, point: Point, setting: _Setting) -> AbstractContextManager:
        """PyTorch's exact mode where a float64 variant needs it."""
        if setting.dtype != torch.float64:
            return nullcontext()
        if self._casts is None:
            self._casts = casts(lambda: self._outputs(point, setting))
        return exact_torch() if self._casts else nullcontext()

    def _reverse(self, probes: tuple[str, ...], point: Point, setting: _Setting) -> Tensors:
        given = {name: x.requires_grad_() for name, x in setting.all(point.leaves()).items()}
        cotangents = {name: x.requires_grad_() for name, x in setting.all(point.cotangents).items()}
        deep = bool({"jvp", "second"} & set(probes))
        with sdpa_kernel(SDPBackend.MATH) if deep else nullcontext():  # the fused kernels have first derivatives only
            outputs = self._apply(given, point.inputs, setting)
            varying = {name: y for name, y in outputs.items() if y.requires_grad}
            gradients = _gradients(list(varying.values()), given, [cotangents[name] for name in varying], deep)
            results = {("value", name): y for name, y in outputs.items()}
            results |= {("gradient", name): g for name, g in gradients.items()}
            if deep:
                along = sum((g * setting.tensor(point.directions[name])).sum() for name, g in gradients.items())
                results |= {("second", name): g for name, g in _gradients([along], given, None, True).items()}
                results |= {("jvp", name): g for name, g in _gradients([along], cotangents, None, False).items()}
        return {key: x for key, x in results.items() if key[0] in (*probes, "value")}

    def _outputs(self, point: Point, setting: _Setting) -> dict[str, Tensor]:
        with torch.no_grad():
            return self._apply(setting.all(point.leaves()), point.inputs, setting)

    def _looped(self, point: Point, setting: _Setting) -> dict[str, Tensor]:
        parts = [self._outputs(example, setting) for example in point.examples()]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _functional(self, tensors: dict[str, Tensor], inputs: tuple) -> Any:
        return torch.func.functional_call(
            self.called, {f"module.{name}": x for name, x in tensors.items()}, inputs, strict=True
        )

    def _apply(self, given: dict[str, Tensor], inputs: tuple, setting: _Setting) -> dict[str, Tensor]:
        arguments = arranged(inputs, lambda name, x: given[name] if name in given else setting.tensor(x))
        tensors = {name: x for name, x in given.items() if not name.startswith("input ")}
        buffers = self.called.module.named_buffers()
        tensors |= {name: setting.buffer(x, name in self._fine) for name, x in buffers if name not in given}
        parameters = self.called.module.named_parameters()
        tensors |= {name: setting.buffer(x.detach(), True) for name, x in parameters if name in self.ignored}
        # Around the functional call, so that a compiled graph takes its parameters as inputs.
        run = torch.compile(self._functional) if setting.compiled else self._functional
        return self.left_out.outputs("PyTorch", dict(leaves(run(tensors, arguments), "output")))

    def _forward(self, point: Point, setting: _Setting) -> dict[str, Tensor]:
        def function(given: dict[str, Tensor]) -> dict[str, Tensor]:
            outputs = self._apply(given, point.inputs, setting)
            return {name: outputs[name] for name in point.cotangents}

        return torch.func.jvp(function, (setting.all(point.leaves()),), (setting.all(point.directions),))[1]

    def _vmapped(self, point: Point, setting: _Setting) -> dict[str, Tensor]:
        given = setting.all(point.leaves())
        fixed = {name: given[name] for name in point.parameters}
        inputs = arranged(point.inputs, lambda name, x: given[name] if name in given else setting.tensor(x))

        def one(*example: Any) -> dict[str, Tensor]:
            batch = arranged(example, lambda _, x: x[None])
            return {name: y[0] for name, y in self._apply(fixed, batch, setting).items()}

        return torch.func.vmap(one)(*inputs)


class _Setting:
    """A variant in PyTorch's terms: dtype, device, whether compiled."""

    def __init__(self, variant: Variant):
        self.dtype, self.device, self.compiled = getattr(torch, variant.dtype), variant.device, variant.compiled

    def tensor(self, x: np.ndarray | Tensor) -> Tensor:
        """Floating arrays in this precision, integers as int64, booleans as they are; tensors unchanged."""
        if isinstance(x, Tensor):
            return x
        dtypes = {"f": self.dtype, "b": torch.bool}
        return torch.tensor(x, dtype=dtypes.get(x.dtype.kind, torch.int64), device=self.device)

    def all(self, arrays: Arrays) -> dict[str, Tensor]:
        return {name: self.tensor(x) for name, x in arrays.items()}

    def buffer(self, x: Tensor, fine: bool) -> Tensor:
        """A buffer in this precision; fine: whether float32 cannot represent it, see the module."""
        if not x.is_floating_point():
            return x.to(self.device)
        moved = x.to(self.device, self.dtype)
        return moved * 1 if fine and self.dtype == torch.float64 else moved


def _gradients(outputs: list[Tensor], given: dict, cotangents: list | None, graph: bool) -> dict[str, Tensor]:
    """The gradients that exist, by leaf."""
    if not outputs or not given:
        return {}
    gradients = torch.autograd.grad(outputs, list(given.values()), cotangents, create_graph=graph, allow_unused=True)
    return {name: g for name, g in zip(given, gradients, strict=True) if g is not None}


def _arrays(tensors: Tensors) -> Values:
    """Floating tensors as float64; integers and booleans stay what they are, as they have no derivative."""
    detached = {key: x.detach().cpu() for key, x in tensors.items()}
    return {key: (x.double() if x.is_floating_point() else x).numpy() for key, x in detached.items()}
