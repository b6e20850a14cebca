"""The exact mode of PyTorch: a context in which whatever asks for float32 gets float64.

Why. The oracle is PyTorch in float64. But code written for training casts inside, whatever it is given: a norm begins
with `x.to(torch.float32)`, rotary positions are computed by `.float()`, a softmax takes `dtype=torch.float32`. Run in
float64 it answers in float64 and is right to seven digits, and no error below 1e-7 can be seen beside that. Inside

    with exact_torch():
        module = Foreign(...)      # unchanged
        y = module(x)              # x in float64

such a module is built in float64, and computes, forward and backward, in float64 throughout. It is the counterpart of
`mlx_mode`, and works with autograd, `torch.func` and `parity.bounds.rounding`.

How. All computation passes a dispatcher, where Python can intercept it. A `TorchDispatchMode` sees every operation of
ATen, below autograd, also those that C++, TorchScript and a backward pass call, and changes two things: a precision
that is asked for (`dtype=` of casts, factories, sums, softmaxes) becomes the wide one, and operands of a lower
precision (a constant made outside) are widened first. That is too late for numbers that PyTorch rounds while it reads
Python's: `torch.tensor(0.1, dtype=torch.float32)` would stay 1.5e-9 off. So a `TorchFunctionMode`, which sees calls as
they are written, widens the precision there as well. Besides, the default precision is float64; the legacy constructors
and `set_default_dtype`, which neither mode sees, are replaced; and `torch.compile` is made to run the Python source
(else it would, as the modes are on, give up the function for good). `autocast` needs nothing: it never touches float64.

float16, bfloat16, float32 become float64, complex32 and complex64 become complex128. Left as they are: 8-bit floats and
integers (they quantize on purpose), `x.view(torch.float32)` (bits, not a precision), and what a module does with the
question `x.dtype`. Random numbers in float64 differ from those of the same seed in float32. What was made outside
in float32 keeps the digits it has, so build the module inside. The default precision and the replaced names belong to
the process: use one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from lyceum.contract import UsageError

aten = torch.ops.aten
WIDE = dict.fromkeys((torch.float16, torch.bfloat16, torch.float32), torch.float64)
WIDE |= dict.fromkeys((torch.complex32, torch.complex64), torch.complex128)
LEGACY = ("HalfTensor", "BFloat16Tensor", "FloatTensor")


@contextmanager
def exact_torch() -> Iterator[None]:
    """Compute in float64 whatever precision is asked for; see the module. May be nested.

    Raises UsageError if a result would be written into a tensor of a lower precision, which must be one made outside.
    """
    default, names = torch.get_default_dtype(), {name: getattr(torch, name) for name in (*LEGACY, "set_default_dtype")}
    try:
        for name in LEGACY:
            setattr(torch, name, torch.DoubleTensor)
        torch.set_default_dtype(torch.float64)
        torch.set_default_dtype = lambda dtype: names["set_default_dtype"](_wide(dtype))
        with torch.compiler.set_stance("force_eager"), _Operations(), _Calls():
            yield
    finally:
        for name, original in names.items():
            setattr(torch, name, original)
        torch.set_default_dtype(default)


class _Calls(TorchFunctionMode):
    """Widens the precisions that calls of PyTorch's functions and methods name."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is Tensor.view:
            return func(*args, **kwargs)
        return func(*map(_wide_dtype, args), **{name: _wide_dtype(x) for name, x in kwargs.items()})


class _Operations(TorchDispatchMode):
    """Widens the precisions that ATen operations are given, and their operands."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (aten.view.dtype, aten.new_empty.default, aten.set_.source_Storage_storage_offset):
            # Bits under another type, and how a tensor is copied deep: a storage must get the precision it has.
            return func(*args, **kwargs)
        declared = _declared(func)
        args = [_operand(func, x, alias) for x, alias in zip(args, declared.values(), strict=False)]
        outcome = func(*args, **{name: _operand(func, x, declared[name]) for name, x in kwargs.items()})
        # Data that has just been read: from NumPy, or from Python's numbers.
        return _wide(outcome) if func is aten.lift_fresh.default else outcome


@cache
def _declared(func: Any) -> dict[str, Any]:
    """How the result shares its memory with each argument of an operation; None: not at all."""
    return {argument.name: argument.alias_info for argument in func._schema.arguments}


def _operand(func: Any, value: Any, alias: Any) -> Any:
    """An operand of an operation; one that the result shares its memory with must stay the tensor it is."""
    if alias is None:
        return _wide(value)
    if alias.is_write and any(map(_narrow, value if isinstance(value, list) else [value])):
        raise UsageError(
            f"{func} would round its result into a tensor of lower precision made outside exact_torch(): make it "
            "inside, or pass it as a parameter or buffer."
        )
    return value


def _narrow(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype in WIDE


def _wide(value: Any) -> Any:
    """Tensors and precisions, one or a list of them, in float64 or complex128; anything else unchanged."""
    if isinstance(value, list):
        return [_wide(x) for x in value]
    return value.to(WIDE[value.dtype]) if _narrow(value) else _wide_dtype(value)


def _wide_dtype(value: Any) -> Any:
    return WIDE.get(value, value) if isinstance(value, torch.dtype) else value
