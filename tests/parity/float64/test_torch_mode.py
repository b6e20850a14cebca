"""PyTorch's exact mode: every route to a lower precision leads to float64, and outside nothing has changed."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import _get_current_function_mode_stack
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from lyceum.contract import UsageError
from parity.bounds.rounding import UNIT, deviations
from parity.float64.torch_mode import LEGACY, exact_torch

LOW, WIDE, THIRD = torch.float32, torch.float64, 1 / 3
TABLE = torch.tensor([0.5, 2.0, 1.25])  # made outside, in float32
X = torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=WIDE)


class Third(torch.autograd.Function):
    """A custom rule, in float32 both ways."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return (x.float() / 3).to(x.dtype)

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, cotangent):
        return (cotangent.float() / 3).to(cotangent.dtype)


def autocast(x: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return x.float() @ x.float()


def default_reset(_: torch.Tensor) -> torch.Tensor:
    before = torch.get_default_dtype()
    torch.set_default_dtype(LOW)
    try:
        return torch.tensor(THIRD)
    finally:
        torch.set_default_dtype(before)


def filled(x: torch.Tensor) -> torch.Tensor:
    y = torch.zeros(3, 3, dtype=LOW)
    y += x
    y[0] = x[1] / 3
    return y


def read_and_written(x: torch.Tensor) -> torch.Tensor:
    """Data in float32 that is read inside may be written to."""
    y = torch.from_numpy(TABLE.numpy().copy())
    y += x[0]
    return y


def filled_wide(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x[1:2] / 3, x[1:]])


def exponential(x: torch.Tensor) -> torch.Tensor:
    return x.to(torch.float32).exp()


def opaque(graph, examples):
    """A compiler whose kernels work in float32 where no mode can see them."""
    return lambda x: [torch.from_numpy(np.exp(x.numpy().astype(np.float32)))]


compiled = torch.compile(exponential, backend=opaque)


# name: (a route to a lower precision, what it would be in float64)
CASTS = {
    "float()": lambda x: x.float(), "half()": lambda x: x.half(), "bfloat16()": lambda x: x.bfloat16(),
    "to(dtype)": lambda x: x.to(LOW), "to(dtype=)": lambda x: x.to(dtype=torch.bfloat16),
    "to(device, dtype)": lambda x: x.to("cpu", LOW), "to(tensor)": lambda x: x.to(TABLE),
    "type(dtype)": lambda x: x.type(LOW), "type(str)": lambda x: x.type("torch.FloatTensor"),
    "type(class)": lambda x: x.type(torch.FloatTensor), "type_as": lambda x: x.type_as(TABLE),
    "Module.float": lambda x: nn.ParameterList([x.clone()]).float()[0].data,
    "Module.to": lambda x: nn.ParameterList([x.clone()]).to(LOW)[0].data,
    "copied in": lambda x: torch.empty(3, 3, dtype=LOW).copy_(x),
    "new_tensor": lambda x: x.new_tensor(x.tolist(), dtype=LOW),
    "tensor": lambda x: torch.tensor(x.tolist(), dtype=LOW),
    "as_tensor": lambda x: torch.as_tensor(x.tolist(), dtype=LOW),
    "asarray": lambda x: torch.asarray(x.tolist(), dtype=LOW), "FloatTensor": lambda x: torch.FloatTensor(x.tolist()),
    "HalfTensor": lambda x: torch.HalfTensor(x.tolist()), "numpy": lambda x: torch.tensor(x.numpy(), dtype=LOW),
    "stack": lambda x: torch.stack([row.float() for row in x]),
}  # fmt: skip
ROUTES = {name: (cast, lambda x: x) for name, cast in CASTS.items()} | {
    "softmax": (lambda x: F.softmax(x, -1, dtype=LOW), lambda x: F.softmax(x, -1)),
    "log_softmax": (lambda x: F.log_softmax(x, -1, dtype=LOW), lambda x: F.log_softmax(x, -1)),
    "sum": (lambda x: x.sum(-1, dtype=LOW), lambda x: x.sum(-1)),
    "mean": (lambda x: x.mean(dtype=LOW), lambda x: x.mean()),
    "cumsum": (lambda x: x.cumsum(0, dtype=LOW), lambda x: x.cumsum(0)),
    "norm": (
        lambda x: torch.linalg.vector_norm(x.float(), dim=-1, dtype=LOW),
        lambda x: torch.linalg.vector_norm(x, dim=-1),
    ),
    "arange": (lambda _: torch.arange(0, 1, 0.3, dtype=LOW), lambda _: torch.arange(0, 1, 0.3, dtype=WIDE)),
    "linspace": (lambda _: torch.linspace(0, 1, 8, dtype=LOW), lambda _: torch.linspace(0, 1, 8, dtype=WIDE)),
    "logspace": (lambda _: torch.logspace(0, 1, 8, dtype=LOW), lambda _: torch.logspace(0, 1, 8, dtype=WIDE)),
    "window": (lambda _: torch.hann_window(9, dtype=LOW), lambda _: torch.hann_window(9, dtype=WIDE)),
    "full": (lambda _: torch.full((2,), THIRD, dtype=LOW), lambda _: torch.full((2,), THIRD, dtype=WIDE)),
    "new_full": (lambda x: x.new_full((2,), THIRD, dtype=LOW), lambda x: x.new_full((2,), THIRD)),
    "full_like": (lambda x: torch.full_like(x, THIRD, dtype=LOW), lambda x: torch.full_like(x, THIRD)),
    "scalar": (lambda _: torch.scalar_tensor(THIRD, dtype=LOW), lambda _: torch.tensor(THIRD, dtype=WIDE)),
    "zeros": (lambda x: torch.zeros(3, dtype=LOW) + THIRD, lambda _: torch.full((3,), THIRD, dtype=WIDE)),
    "default": (lambda _: torch.tensor(THIRD), lambda _: torch.tensor(THIRD, dtype=WIDE)),
    "default reset": (default_reset, lambda _: torch.tensor(THIRD, dtype=WIDE)),
    "inplace": (filled, filled_wide),
    "read and written": (read_and_written, lambda x: TABLE.double() + x[0]),
    "out": (lambda x: torch.mul(x, THIRD, out=torch.empty(3, 3, dtype=LOW)), lambda x: x * THIRD),
    "foreach": (lambda x: torch._foreach_mul([x.float()], THIRD)[0], lambda x: x * THIRD),
    "foreach of a constant": (
        lambda _: torch._foreach_mul([TABLE], THIRD)[0],
        lambda _: TABLE.double() * THIRD,
    ),
    "complex": (lambda x: torch.polar(x, x).to(torch.complex64), lambda x: torch.polar(x, x)),
    "cfloat": (lambda x: x.cfloat().exp(), lambda x: x.to(torch.complex128).exp()),
    "constant": (lambda x: TABLE.sin(), lambda x: TABLE.double().sin()),
    "view of a constant": (lambda x: TABLE[None, 1:].sin(), lambda x: TABLE[None, 1:].double().sin()),
    "numpy float32": (lambda x: torch.from_numpy(TABLE.numpy()).sin(), lambda x: TABLE.double().sin()),
    "constant in a product": (lambda x: x.float() @ TABLE, lambda x: x @ TABLE.double()),
    "script": (lambda x: torch.jit.script(exponential)(x), torch.exp),
    "compile": (compiled, torch.exp),
    "autocast": (autocast, lambda x: x @ x),
    "custom rule": (Third.apply, lambda x: x / 3),
    "Linear": (lambda x: nn.Linear(2, 2).weight.data * 0 + THIRD, lambda x: torch.full((2, 2), THIRD, dtype=WIDE)),
}


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
@pytest.mark.parametrize("name", ROUTES)
def test_every_route_leads_to_float64(name):
    """Bit for bit what float64 gives; and outside, before and after, the route does lead to a lower precision."""
    route, right = ROUTES[name]
    before = route(X)
    with exact_torch():
        inside = route(X)
        expected = right(X)
    after = route(X)
    assert inside.dtype in (WIDE, torch.complex128)
    assert torch.equal(inside, expected)
    assert not torch.equal(before.to(expected.dtype), expected)
    assert torch.equal(before, after) and before.dtype == after.dtype


class Block(nn.Module):
    """What foreign layers do: a norm, rotary positions and a softmax, all in float32. cast: as float32 or nothing."""

    def __init__(self, low: torch.dtype):
        super().__init__()
        self.low = low
        self.weight = nn.Parameter(torch.tensor([0.3, 0.7, 1.1]))
        self.register_buffer("frequencies", 1.0 / 10000.0 ** (torch.arange(0, 3, dtype=low) / 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        dtype, x = x.dtype, x.to(self.low)
        x = (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)).to(dtype) * self.weight
        angle = torch.arange(x.shape[-2])[:, None].to(self.low) * self.frequencies.to(self.low)
        return Third.apply(F.softmax(x * angle.cos().to(dtype), dim=-1, dtype=self.low).to(dtype))


def values(block: nn.Module) -> dict[str, torch.Tensor]:
    """Value, gradient, second order, jvp, batched: all that the harness asks a module for."""

    def f(x, weight):
        return torch.func.functional_call(block, {"weight": weight}, (x,))

    leaves = (X.clone().requires_grad_(), block.weight.detach().clone().requires_grad_())
    y = f(*leaves)
    gradients = torch.autograd.grad((y * X).sum(), leaves, create_graph=True)
    second = torch.autograd.grad((gradients[0] * X.sin()).sum(), leaves)
    results = {"value": y, "input": gradients[0], "weight": gradients[1], "second x": second[0], "second w": second[1]}
    results["grad"] = torch.func.grad(lambda x: (f(x, leaves[1]) * X).sum())(X)
    results["vmap"] = torch.func.vmap(lambda x: f(x, leaves[1]))(X[None])[0]
    return {name: x.detach() for name, x in results.items()}


def test_a_foreign_module_is_float64_in_value_and_every_derivative():
    with exact_torch():
        results, expected = values(Block(LOW)), values(Block(WIDE))
    assert {x.dtype for x in results.values()} == {WIDE}
    assert all(torch.equal(results[name], expected[name]) for name in expected)
    outside = values(Block(LOW).double())
    assert not any(torch.equal(outside[name], expected[name]) for name in expected)


def test_forward_mode():
    def norm(low):
        return lambda x: F.softmax((x.to(low) * x.to(low).pow(2).mean(-1).rsqrt()).to(x.dtype), -1, dtype=low)

    with exact_torch():
        value, slope = torch.func.jvp(norm(LOW), (X,), (X.sin(),))
        right = torch.func.jvp(norm(WIDE), (X,), (X.sin(),))
    assert torch.equal(value, right[0]) and torch.equal(slope, right[1])
    assert not torch.equal(torch.func.jvp(norm(LOW), (X,), (X.sin(),))[1].double(), right[1])


def test_random_rounding_sees_the_float64_computation():
    """Casts round nothing here, so the deviation is that of the module without them, whichever mode is inside."""

    def within(block):
        with exact_torch():
            return values(block)

    with exact_torch():
        foreign, plain = Block(LOW), Block(WIDE)
        deviation = deviations(lambda: values(foreign))
        assert deviation == deviations(lambda: values(plain))
    assert deviations(lambda: within(foreign)) == deviations(lambda: within(plain))
    assert all(0 < s < 1e-4 for s in deviation.values())


def state() -> tuple:
    names = {name: getattr(torch, name) for name in (*LEGACY, "set_default_dtype")}
    modes = len(_get_current_function_mode_stack()), len(_get_current_dispatch_mode_stack())
    return names, modes, torch.get_default_dtype()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_leaves_as_it_entered(dtype):
    torch.set_default_dtype(dtype)
    try:
        before = state()
        with exact_torch():
            with exact_torch():
                pass
            assert torch.tensor(THIRD).float().dtype == WIDE  # the inner exit must not end the outer mode
        assert state() == before
        with pytest.raises(ZeroDivisionError), exact_torch():
            torch.ones(1 // 0)
        assert state() == before
    finally:
        torch.set_default_dtype(torch.float32)


def test_what_was_made_inside_stays_when_it_leaves():
    """A module built inside has float64 parameters and buffers, with all their digits."""
    with exact_torch():
        block = Block(LOW)
    assert {x.dtype for x in block.state_dict().values()} == {WIDE}
    assert block.frequencies[1] == 1 / 10000 ** (1 / 3)


def test_what_was_made_outside():
    """It keeps the digits it has; it may be read and copied, but a result may not be rounded into it."""
    module = nn.BatchNorm1d(3)
    with exact_torch():
        double = copy.deepcopy(module)
        assert torch.equal(double.running_mean, module.running_mean)
        assert torch.equal(copy.deepcopy(TABLE), TABLE)
        with pytest.raises(UsageError, match="made outside exact_torch"):
            TABLE.add_(X[0])
        with pytest.raises(UsageError, match="made outside exact_torch"):
            torch._foreach_mul_([TABLE], THIRD)
        with pytest.raises(UsageError, match="made outside exact_torch"):
            torch.mul(X[0], THIRD, out=TABLE)
    assert torch.equal(TABLE, torch.tensor([0.5, 2.0, 1.25]))


def test_what_is_no_question_of_precision_stays():
    bits = torch.tensor([0x3F800000], dtype=torch.int32)
    with exact_torch():
        assert bits.view(LOW).item() == 1.0
        assert X.to(torch.int8).dtype == torch.int8
        assert X.to(torch.float8_e4m3fn).dtype == torch.float8_e4m3fn
        assert torch.promote_types(LOW, torch.int64) == WIDE
        assert np.asarray(X.float()).dtype == np.float64


def test_a_single_precision_unit_is_far_below_what_is_compared():
    """Why the mode is needed: one cast costs 2^-24, a hundred million times float64's rounding."""
    error = ((X.float().double() - X).abs() / X.abs()).max().item()
    assert UNIT["float64"] * 1e6 < error <= UNIT["float32"]
