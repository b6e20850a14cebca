"""A PyTorch module or function, evaluated at a point in any precision, without being changed.

The module runs through `torch.func.functional_call`, which lends it other parameters for one call.
`parity.sides.test_point` defines the probes.

Buffers are lent as well, and the module is a copy (`borrowed`): what it writes changes nothing that was given.

Buffers that float32 cannot represent (the inverse frequencies of rotary positions, say) are raised to the power of 1, a
rounding that `parity.bounds.rounding` sees: a variant in float32 rounds them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from lyceum.personas.spec.case import representable
from parity.float64.both import casts
from parity.float64.lacking import Lacking
from parity.float64.torch_mode import exact_torch
from parity.mapping.ignored import Ignored
from parity.sides.borrowed import arrays_of, borrowed
from parity.sides.called import Called, weights
from parity.sides.test_point import Arrays, Point, Values, arranged
from parity.sides.torch_setting import Setting, Tensors, as_arrays, gradients_of
from parity.sides.trees import leaves
from parity.sides.variants import ORACLE, Variant


class TorchSide:
    """target: a module, or a function of the inputs. call: (module, *inputs) -> outputs; the module itself if None.

    moved: values for some of its floating buffers, by name.
    """

    backend = "torch"
    strict = True  # every parameter and buffer is lent
    copies = True  # the target, so that nothing given is changed

    def __init__(
        self,
        target: nn.Module | Callable,
        call: Callable | None = None,
        left_out: Ignored | None = None,
        moved: Arrays | None = None,
    ):
        self.moved = dict(moved or {})
        if isinstance(target, nn.Module):
            call = call or (lambda module, *inputs: module(*inputs))
        else:
            target, call = nn.Module(), lambda _, *inputs, function=target: function(*inputs)
        self.called = Called(borrowed(target, weights(target)) if self.copies else target, call)
        self._writes = any(True for _ in arrays_of(target, map(id, weights(target))))
        # Asked once and in NumPy, where neither functorch nor whoever watches for casts takes notice.
        self._fine = {name for name, x in self.buffers().items() if not np.array_equal(representable(x), x)}
        self.left_out = left_out or Ignored()
        self.ignored = self.left_out.among("PyTorch's parameter", dict(self.called.module.named_parameters()))
        self.ignored |= self.left_out.among("PyTorch's buffer", self.buffers())
        self._casts: bool | None = None  # whether it asks for float32 by itself; None before it has been watched
        self._lacks, self._lacking = False, {}  # whether a kernel lacks float64, and which

    def narrow(self) -> str:
        """Which operations had to be carried out in float32 for want of a kernel, in words; "" for none."""
        return ", ".join(self._lacking)

    def constants(self) -> Arrays:
        """The floating buffers that were made in float32 and are no integers, by name."""
        single = {name for name, x in self.called.module.named_buffers() if x.dtype == torch.float32}
        return {name: x for name, x in self.buffers().items() if name in single and not np.array_equal(x, np.round(x))}

    def parameters(self) -> Arrays:
        """Its parameters, float64, by name."""
        named = self.called.module.named_parameters()
        return {name: x.detach().double().cpu().numpy() for name, x in named if name not in self.ignored}

    def buffers(self) -> Arrays:
        """Its floating buffers, float64, by name."""
        named = self.called.module.named_buffers()
        return {name: x.detach().double().cpu().numpy() for name, x in named if x.is_floating_point()} | self.moved

    def stored(self) -> tuple[dict[str, str], set[str]]:
        """(The precisions in which it has its parameters and buffers, by name; the names that a checkpoint has.)"""
        module = self.called.module
        named = (*module.named_parameters(), *module.named_buffers())
        return {name: str(x.dtype)[6:] for name, x in named}, set(module.state_dict())

    def evaluate(self, probe: str, point: Point, variant: Variant) -> Values:
        """The probe's arrays, float64, as this variant computes them: forward mode for jvp."""
        native = {"jvp": self._forward, "looped": self._looped, "vmapped": self._vmapped}
        if probe not in native:
            return as_arrays(self.tensors((probe,), point, variant))
        setting = Setting(variant)
        # The fused attention kernels have neither forward mode nor vmap.
        with self._exactly(point, setting), sdpa_kernel(SDPBackend.MATH):
            return as_arrays({(probe, name): x for name, x in native[probe](point, setting).items()})

    def tensors(self, probes: tuple[str, ...], point: Point, variant: Variant = ORACLE) -> Tensors:
        """The probes "value", which always comes along, "gradient", "jvp" and "second" as tensors, by reverse mode.

        J v is the derivative in c of <J^T c, v>: reverse mode twice needs no other rules than the gradient does, so an
        oracle made of it can check the rules of forward mode.
        """
        setting = Setting(variant)
        with self._exactly(point, setting):
            if set(probes) <= {"value"}:
                return {("value", name): y for name, y in self._outputs(point, setting).items()}
            return self._reverse(probes, point, setting)

    @contextmanager
    def _exactly(self, point: Point, setting: Setting) -> Iterator[None]:
        """PyTorch's exact mode where a float64 variant needs it, and single precision where it has nothing else."""
        if setting.dtype != torch.float64:
            yield
            return
        if self._casts is None:
            try:
                self._casts = casts(lambda: self._outputs(point, setting))
            except (
                RuntimeError,
                NotImplementedError,
            ):  # a kernel may lack float64, or the next call says what
                self._lacks = True
                with Lacking(self._lacking):
                    self._casts = casts(lambda: self._outputs(point, setting))
        with Lacking(self._lacking) if self._lacks else nullcontext(), exact_torch() if self._casts else nullcontext():
            yield

    def _reverse(self, probes: tuple[str, ...], point: Point, setting: Setting) -> Tensors:
        given = {name: x.requires_grad_() for name, x in setting.all(point.leaves()).items()}
        cotangents = {name: x.requires_grad_() for name, x in setting.all(point.cotangents).items()}
        deep = bool({"jvp", "second"} & set(probes))
        with sdpa_kernel(SDPBackend.MATH) if deep else nullcontext():  # the fused kernels have first derivatives only
            outputs = self._apply(given, point.inputs, setting)
            varying = {name: y for name, y in outputs.items() if y.requires_grad}
            gradients = gradients_of(list(varying.values()), given, [cotangents[name] for name in varying], deep)
            results = {("value", name): y for name, y in outputs.items()}
            results |= {("gradient", name): g for name, g in gradients.items()}
            if deep and gradients:
                along = sum((g * setting.tensor(point.directions[name])).sum() for name, g in gradients.items())
                results |= {("second", name): g for name, g in gradients_of([along], given, None, True).items()}
                results |= {("jvp", name): g for name, g in gradients_of([along], cotangents, None, False).items()}
        return {key: x for key, x in results.items() if key[0] in (*probes, "value")}

    def _outputs(self, point: Point, setting: Setting) -> dict[str, Tensor]:
        with torch.no_grad():
            return self._apply(setting.all(point.leaves()), point.inputs, setting)

    def _looped(self, point: Point, setting: Setting) -> dict[str, Tensor]:
        parts = [self._outputs(example, setting) for example in point.examples()]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _functional(self, tensors: dict[str, Tensor], inputs: tuple) -> Any:
        called, module = self.called, self.called.module
        if self._writes:
            called = Called(borrowed(module, weights(module)), called.call)
        lent = {f"module.{name}": x for name, x in tensors.items()}
        return torch.func.functional_call(called, lent, inputs, strict=self.strict)

    def _apply(self, given: dict[str, Tensor], inputs: tuple, setting: Setting) -> dict[str, Tensor]:
        arguments = arranged(inputs, lambda name, x: given[name] if name in given else setting.tensor(x))
        tensors = {name: x for name, x in given.items() if not name.startswith("input ")}
        buffers = self.called.module.named_buffers()
        tensors |= {
            name: setting.buffer(torch.from_numpy(self.moved[name]) if name in self.moved else x, name in self._fine)
            for name, x in buffers
            if name not in given
        }
        parameters = self.called.module.named_parameters()
        tensors |= {name: setting.buffer(x.detach(), True) for name, x in parameters if name in self.ignored}
        # Around the functional call, so that a compiled graph takes its parameters as inputs.
        run = torch.compile(self._functional) if setting.compiled else self._functional
        outputs = self.left_out.outputs("PyTorch", dict(leaves(run(tensors, arguments), "output")))
        return {name: torch.view_as_real(y) if y.is_complex() else y for name, y in outputs.items()}

    def _forward(self, point: Point, setting: Setting) -> dict[str, Tensor]:
        def function(given: dict[str, Tensor]) -> dict[str, Tensor]:
            outputs = self._apply(given, point.inputs, setting)
            return {name: outputs[name] for name in point.cotangents}

        return torch.func.jvp(function, (setting.all(point.leaves()),), (setting.all(point.directions),))[1]

    def _vmapped(self, point: Point, setting: Setting) -> dict[str, Tensor]:
        given = setting.all(point.leaves())
        fixed = {name: given[name] for name in point.parameters}
        inputs = arranged(point.inputs, lambda name, x: given[name] if name in given else setting.tensor(x))

        def one(*example: Any) -> dict[str, Tensor]:
            batch = arranged(example, lambda _, x: x[None])
            return {name: y[0] for name, y in self._apply(fixed, batch, setting).items()}

        return torch.func.vmap(one)(*inputs)
