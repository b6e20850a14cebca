"""`parity.check` on pairs that are not the project's: what it accepts, finds, leaves alone and refuses."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn
import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import parity
from parity.results.findings import ParityError

SHAPE = (2, 5, 16)


class TorchAttention(torch.nn.Module):
    """One head, projections fused."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.LayerNorm(16)
        self.qkv, self.out = torch.nn.Linear(16, 48), torch.nn.Linear(16, 16)

    def forward(self, x):
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        return x + self.out(torch.softmax(q @ k.mT / 4, -1) @ v)


class MlxAttention(mlx.nn.Module):
    """The same with three projections. scale: of the scores, 4 if it is right."""

    def __init__(self, scale: float = 4.0):
        super().__init__()
        self.ln, self.out = mlx.nn.LayerNorm(16), mlx.nn.Linear(16, 16)
        self.q, self.k, self.v = (mlx.nn.Linear(16, 16) for _ in range(3))
        self._scale = scale

    def __call__(self, x):
        h = self.ln(x)
        return x + self.out(mx.softmax(self.q(h) @ self.k(h).swapaxes(-1, -2) / self._scale, -1) @ self.v(h))


NAMES = [(r"ln\.(.*)", r"norm.\1")] + [(rf"{c}\.(.*)", parity.part(r"qkv.\1", i, of=3)) for i, c in enumerate("qkv")]


def test_a_foreign_pair():
    result = parity.check(MlxAttention(), TorchAttention(), SHAPE, names=NAMES).or_raise()
    assert result.ok and not result.failures and not result.limitations
    variants = {verdict.variant for verdict in result}
    assert variants == {
        "torch slope",
        "gradient slope",
        "bound float64",
        *(f"{w} {d}" for w in ("torch", "mlx") for d in ("float64", "float32")),
    }
    wanted = {"output", "input 0", "qkv.weight", "norm.bias", "jvp, output", "second order, qkv.weight"}
    wanted |= {"looped, output", "vmapped, output"}
    assert wanted <= {verdict.what for verdict in result if verdict.variant == "mlx float32"}
    assert "q.weight = part(qkv.weight, 0, of=3)" in result.names
    assert "verdicts passed." in str(result) and len(result.records()) == len(result)


def test_a_difference_fails_in_mlx_alone():
    result = parity.check(MlxAttention(scale=3.9), TorchAttention(), SHAPE, names=NAMES)
    assert {verdict.variant for verdict in result.failures} == {"mlx float64", "mlx float32"}
    with pytest.raises(ParityError, match=r"TorchAttention, mlx float64, output: at .* expected .* allowed"):
        result.or_raise()


def test_both_modules_are_left_as_they_were():
    ours, theirs = MlxAttention(), TorchAttention()
    before = {name: np.array(x) for name, x in mlx.utils.tree_flatten(ours.parameters())}
    state = {name: x.detach().clone() for name, x in theirs.state_dict().items()}
    parity.check(ours, theirs, SHAPE, names=NAMES)
    after = dict(mlx.utils.tree_flatten(ours.parameters()))
    assert after.keys() == before.keys() and all(np.array_equal(before[name], after[name]) for name in before)
    assert all(after[name].dtype == mx.float32 for name in after)
    assert all(torch.equal(x, state[name]) and x.dtype == torch.float32 for name, x in theirs.state_dict().items())


def test_low_precision_and_compiled_variants():
    result = parity.check(
        MlxAttention(), TorchAttention(), SHAPE, names=NAMES, dtypes=("bfloat16", "float16"), compiled="mlx"
    ).or_raise()
    assert {"torch bfloat16", "mlx bfloat16 compiled", "mlx float16 compiled"} < {verdict.variant for verdict in result}


def test_torch_compile():
    """One graph forward and one backward, made by a C++ compiler: seconds, so the smallest pair that has both."""
    result = parity.check(mx.tanh, torch.tanh, (2, 3), dtypes="float32", compiled="torch").or_raise()
    compiled = [verdict for verdict in result if verdict.variant == "torch float32 compiled"]
    assert {verdict.what for verdict in compiled} == {"output", "input 0"}


def test_functions_of_several_inputs_and_outputs():
    def ours(a, b):
        return {"product": a @ b, "sine": mx.sin(a)}

    def theirs(a, b):
        return {"product": a @ b, "sine": torch.sin(a)}

    result = parity.check(ours, theirs, [(3, 4), (4, 2)]).or_raise()
    assert {"output product", "output sine", "input 0", "input 1"} <= {verdict.what for verdict in result}


def test_a_definition_is_the_oracle():
    result = parity.check(mx.tanh, torch.tanh, (3,), reference=lambda p, x: np.tanh(x)).or_raise()
    assert "reference slope" in {verdict.variant for verdict in result}
    wrong = parity.check(mx.tanh, torch.tanh, (3,), reference=lambda p, x: 1.001 * np.tanh(x))
    assert {"torch float64", "mlx float32"} < {verdict.variant for verdict in wrong.failures}


def test_a_gradient_that_pytorch_stops_is_not_its_slope():
    """Both sides stop it, so they agree; but it is the derivative of neither."""
    result = parity.check(lambda x: mx.stop_gradient(x) * x, lambda x: x.detach() * x, (4,), probes="gradient")
    assert {verdict.variant for verdict in result.failures} == {"torch slope"}


def test_examples_that_mix_in_a_batch_are_seen():
    def ours(x):
        return x - x.mean(axis=0, keepdims=True)

    def theirs(x):
        return x - x.mean(0, keepdim=True)

    assert parity.check(ours, theirs, SHAPE).ok, "a function is not assumed to have an axis of examples"
    failures = parity.check(ours, theirs, SHAPE, batched=True).failures
    assert {verdict.what.partition(",")[0] for verdict in failures} == {"looped", "vmapped"}


def test_token_ids_and_another_method():
    class Torch(torch.nn.Embedding):
        def both(self, ids, scale):
            return self(ids) * scale

    class Mlx(mlx.nn.Embedding):
        def both(self, ids, scale):
            return self(ids) * scale

    calls = {"mlx_call": Mlx.both, "torch_call": Torch.both}
    result = parity.check(Mlx(11, 4), Torch(11, 4), [parity.integers((2, 3), below=11), np.array(1.5)], **calls)
    assert {"weight", "input 1"} <= {verdict.what for verdict in result.or_raise()}


def test_integers_out_and_in():
    assert {v.what for v in parity.check(lambda x: mx.argmax(x, -1), lambda x: x.argmax(-1), (3, 9))} >= {"output"}
    assert parity.check(lambda x: x > 0, lambda x: x > 0, (3, 9)).ok
    large = np.array([2**24 + 1, 7])
    assert parity.check(lambda i: i + 2, lambda i: i + 2, [large]).ok
    assert not parity.check(lambda i: i + 2, lambda i: i + 3, [large]).ok, "also where float32 could not tell"


@pytest.mark.parametrize("make", (mx.array, torch.tensor, np.array))
def test_arrays_of_any_framework(make):
    assert parity.check(mx.tanh, torch.tanh, make([0.5, -1.0])).ok


def test_a_strategy_is_shrunk_to_the_smallest_failure():
    floats = arrays(np.float32, array_shapes(max_dims=2), elements=st.floats(-8, 8, width=32))
    assert parity.check(mx.tanh, torch.tanh, floats, examples=5).ok
    result = parity.check(lambda x: mx.where(x > 3, x * 1.001, x), lambda x: x * 1, floats, examples=40)
    worst = next(verdict for verdict in result.failures if verdict.what == "output")
    assert (worst.where, worst.expected) == ((0,), 4.0)


def test_float32_constants_get_a_note():
    class Frequencies(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("base", 1 / torch.arange(3, 7))

        def forward(self, x):
            return x * self.base

    def ours(x):
        return x / mx.arange(3, 7).astype(x.dtype)

    note = "at float32's bounds, since PyTorch's buffer base was made in float32"
    result = parity.check(ours, Frequencies(), (2, 4)).or_raise()
    assert note in result.notes[0] and not parity.check(lambda x: ours(x) * (1 + 1e-6), Frequencies(), (2, 4)).ok
    with parity.in_float64():
        exact = Frequencies()
    assert not parity.check(ours, exact, (2, 4)).or_raise().notes


def test_code_that_casts_to_float32_is_compared_in_float64():
    def theirs(x):
        return torch.exp(x.float()).to(x.dtype)

    result = parity.check(mx.exp, theirs, (3, 4)).or_raise()
    worst = max(verdict.error for verdict in result if verdict.variant == "mlx float64")
    assert worst < 1e-12, "float32 would leave 1e-7"


def test_a_constant_may_be_rounded_in_float32():
    """It is only moved about, so no operation rounds it; still what float32 cannot represent is allowed for."""

    class Table(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("table", 1 / torch.arange(3.0, 7.0))

        def forward(self, x):
            return torch.cat([x, self.table[1:3]])

    def ours(x):
        return mx.concatenate([x, mx.array(1 / np.arange(3.0, 7.0), x.dtype)[1:3]])

    with parity.in_float64():
        theirs = Table()
    parity.check(ours, theirs, (4,)).or_raise()


MISTAKES = {
    "a slip in a name": (
        lambda: parity.check(mlx.nn.Linear(8, 4), torch.nn.Linear(8, 4), (2, 8), names={"wieght": "weight"}),
        "MLX has no parameter 'wieght' .nearest: weight.",
    ),
    "a bias on one side": (
        lambda: parity.check(mlx.nn.Linear(8, 4), torch.nn.Linear(8, 4, bias=False), (2, 8)),
        "MLX's bias = bias, but PyTorch has no bias",
    ),
    "inputs that do not fit": (
        lambda: parity.check(mlx.nn.Linear(8, 4), torch.nn.Linear(8, 4), (2, 9)),
        r"PyTorch does not run on the CPU with these inputs .float64 .2, 9.*: RuntimeError",
    ),
    "inputs that MLX does not take": (
        lambda: parity.check(lambda x: x @ mx.ones((9, 2)), lambda x: x @ torch.ones(8, 2, dtype=x.dtype), (2, 8)),
        "MLX does not run on the CPU with these inputs",
    ),
    "outputs of different shapes": (
        lambda: parity.check(lambda x: x, lambda x: x.T, (2, 3)),
        r"outputs differ in shape, PyTorch's output \(3, 2\), MLX's output \(2, 3\)",
    ),
    "NaN": (lambda: parity.check(mx.log, torch.log, (4,)), r"the output of PyTorch is NaN at \(\d,\)"),
    "dropout": (
        lambda: parity.check(mlx.nn.Dropout(0.5), torch.nn.Dropout(0.5), (9, 9)),
        "PyTorch gives different results for the same inputs: call .eval",
    ),
    "random numbers in MLX": (
        lambda: parity.check(lambda x: x + mx.random.normal(x.shape), lambda x: x * 1, (9,)),
        "MLX gives different results for the same inputs",
    ),
    "a GPU alone": (
        lambda: parity.check(mx.tanh, lambda x: refuse("Expected all tensors on cuda"), (3,)),
        "PyTorch does not run on the CPU .*: RuntimeError: Expected all tensors on cuda",
    ),
    "a class": (lambda: parity.check(mlx.nn.Linear, torch.nn.Linear(2, 2), (2, 2)), "mlx is <class .* mlx.nn.Module"),
    "sides exchanged": (
        lambda: parity.check(torch.nn.Linear(2, 2), mlx.nn.Linear(2, 2), (2, 2)),
        "the two sides are exchanged",
    ),
    "a shape in a list": (lambda: parity.check(mx.tanh, torch.tanh, [2, 3]), r"a shape is a tuple, \(2, 3\)"),
    "words for inputs": (lambda: parity.check(mx.tanh, torch.tanh, [object()]), "an input is object .* by shapes"),
    "no outputs": (lambda: parity.check(lambda x: None, lambda x: None, (3,)), "returns no array"),
    "a precision": (lambda: parity.check(mx.tanh, torch.tanh, (3,), dtypes="float8"), "no precision 'float8'"),
    "a probe": (lambda: parity.check(mx.tanh, torch.tanh, (3,), probes="hessian"), "no probe 'hessian'"),
    "compiled": (lambda: parity.check(mx.tanh, torch.tanh, (3,), compiled=True), "compiled is True: give a word"),
    "parameters": (
        lambda: parity.check(mlx.nn.Linear(2, 2), torch.nn.Linear(2, 2), (2, 2), parameters={"weight": np.ones(3)}),
        "parameters must have PyTorch's names and shapes: bias, weight do not",
    ),
}


def refuse(words: str):
    raise RuntimeError(words)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(mistake):
    make, words = MISTAKES[mistake]
    with pytest.raises(parity.UsageError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
