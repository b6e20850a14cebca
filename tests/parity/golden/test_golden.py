"""Golden files: PyTorch's side recorded, and an MLX module compared with it where PyTorch cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn
import numpy as np
import pytest
import torch
from safetensors import numpy as safetensors

import parity
from parity.golden.file import decoded, encoded, read, write
from tests.support.computed_pairs import FIRST, LSTM, MlxLstm, first, torch_lstm

ROOT = Path(__file__).resolve().parents[3]


class Mlx(mlx.nn.Module):
    def __init__(self, width: int = 5, slope: float = 1.0):
        super().__init__()
        self.a, self.b, self._slope = mlx.nn.Linear(4, width), mlx.nn.Linear(width, 2), slope

    def __call__(self, x):
        return self.b(mx.tanh(self._slope * self.a(x)))


class Torch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.a, self.b = torch.nn.Linear(4, 5), torch.nn.Linear(5, 2)

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    path = tmp_path_factory.mktemp("golden") / "pair.safetensors"
    parity.record(Torch(), (3, 4), path, dtypes=("float64", "float32", "bfloat16")).or_raise()
    return path


def test_the_verdicts_are_those_of_a_comparison_with_pytorch_itself(golden):
    dtypes = ("float64", "float32", "bfloat16")
    apart = parity.check(Mlx(), golden=golden, dtypes=dtypes).or_raise()
    together = parity.check(Mlx(), Torch(), (3, 4), dtypes=dtypes).or_raise()
    keys = [{(v.variant, v.what): (v.expected, v.scale) for v in result} for result in (apart, together)]
    assert keys[0].keys() == keys[1].keys()
    mlx_keys = [{key: x for key, x in some.items() if key[0].startswith("mlx ")} for some in keys]
    scales = [{key: scale for key, (_, scale) in some.items()} for some in mlx_keys]
    assert scales[0] == scales[1] and apart.name == "Torch" and len(scales[0]) > 30


def test_a_mistake_is_caught_by_the_file_alone(golden):
    result = parity.check(Mlx(slope=1.0001), golden=golden)
    assert {"output", "a.weight", "jvp, output"} <= {v.what for v in result.failures if v.variant == "mlx float64"}


WITHOUT = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers"):
            raise ImportError(f"{name} is not here")

sys.meta_path.insert(0, NoTorch())
import mlx.core as mx
import parity
from parity.plugin import environment
from test_golden_module import Mlx

path = sys.argv[1]
assert parity.check(Mlx(), golden=path, dtypes=("float64", "float32", "bfloat16")).or_raise().records()
faulty = parity.check(Mlx(slope=1.0001), golden=path)
assert not faulty.ok and "mlx float64, output" in str(faulty)
loaded = parity.check(Mlx(), golden=path, parameters="loaded", names=parity.converted(lambda w: w), probes="gradient")
assert {v.what for v in loaded.failures if v.variant == "mlx loaded"} >= {"weight a.weight", "weight b.bias"}
names = {"a.bias": parity.summed("a.bias", "a.bias")}
assert not parity.check(Mlx(), golden=path, names=names, probes="gradient").ok
class Renamed(Mlx):
    def __init__(self):
        super().__init__()
        self.c = self.pop("a")

try:
    parity.check(Renamed(), golden=path)
except parity.UsageError as error:
    assert "If these are right, say names=names" in str(error) and "a.weight" in str(error), error
assert "torch" not in environment()["versions"] and not [name for name in sys.modules if name.startswith("torch")]
print("done without PyTorch")
"""


def test_without_pytorch(golden, tmp_path):
    """In a process in which importing it raises."""
    source = Path(__file__).read_text(encoding="utf-8")
    model = source[source.index("class Mlx") : source.index("class Torch")]
    (tmp_path / "test_golden_module.py").write_text(f"import mlx.core as mx\nimport mlx.nn\n\n\n{model}")
    run = [sys.executable, "-c", WITHOUT, str(golden)]
    outcome = subprocess.run(run, capture_output=True, text=True, env={"PYTHONPATH": f"{ROOT}:{tmp_path}"}, timeout=250)
    assert outcome.stdout == "done without PyTorch\n", outcome.stderr


def test_loaded_weights_against_a_file(tmp_path):
    theirs, path = torch_lstm(), tmp_path / "lstm.safetensors"
    parity.record(theirs, (2, 3, 3), path, torch_call=first, parameters="loaded", **FIRST).or_raise()
    ours = MlxLstm(3, 4)
    arrays = {name: mx.array(x.detach().numpy()) for name, x in theirs.named_parameters()}
    ours.Wx, ours.Wh = arrays["weight_ih_l0"], arrays["weight_hh_l0"]
    ours.bias = arrays["bias_ih_l0"] + arrays["bias_hh_l0"]
    parity.check(ours, golden=path, names=LSTM, parameters="loaded", **FIRST).or_raise()
    ours.bias = arrays["bias_ih_l0"]
    result = parity.check(ours, golden=path, names=LSTM, parameters="loaded", **FIRST)
    assert "weight bias" in {v.what for v in result.failures}


def test_what_was_ignored_is_recorded(tmp_path):
    ignore = {"bias": "zero in every checkpoint"}
    theirs = torch.nn.Linear(2, 2)
    torch.nn.init.zeros_(theirs.bias)
    parity.record(theirs, (3, 2), tmp_path / "x.safetensors", ignore=ignore, **FIRST)
    result = parity.check(mlx.nn.Linear(2, 2, bias=False), golden=tmp_path / "x.safetensors", **FIRST).or_raise()
    assert "ignored: PyTorch's parameter bias: zero in every checkpoint" in str(result)


def test_a_fault_of_pytorch_shows_in_every_comparison(tmp_path):
    def stopped(x):
        return torch.tanh(x.detach()) + x - x.detach() * 0.5

    path = tmp_path / "x.safetensors"
    assert not parity.record(stopped, (3, 4), path, **FIRST).ok
    result = parity.check(mx.tanh, golden=path, name="tanh", **FIRST)
    assert {(v.case, v.variant) for v in result.failures} >= {("tanh", "torch slope")}


def test_dtypes_of_outputs_are_recorded(tmp_path):
    parity.record(torch.tanh, (3, 4), tmp_path / "x", dtypes=("float32", "bfloat16"), probes="gradient").or_raise()
    options = dict(golden=tmp_path / "x", dtypes=("float32", "bfloat16"), probes="gradient")
    parity.check(mx.tanh, **options).or_raise()
    wide = parity.check(lambda x: mx.tanh(x).astype(mx.float32), **options)
    assert [(v.variant, v.derivation) for v in wide.failures] == [
        ("mlx bfloat16", "its dtype is float32, not bfloat16 as in PyTorch")
    ]


def test_complex_outputs_are_pairs(tmp_path):
    parity.record(lambda x: torch.fft.rfft(torch.tanh(x)), (3, 4), tmp_path / "x", **FIRST).or_raise()
    parity.check(lambda x: mx.fft.rfft(mx.tanh(x)), golden=tmp_path / "x", **FIRST).or_raise()
    assert not parity.check(lambda x: mx.conj(mx.fft.rfft(mx.tanh(x))), golden=tmp_path / "x", **FIRST).ok


def test_derivatives_that_pytorch_has_not_are_not_asked_for(tmp_path):
    recorded = parity.record(torch.no_grad()(torch.tanh), (3, 4), tmp_path / "x").or_raise()
    assert {v.what for v in recorded if "without a graph" in v.limitation} == {"gradient", "jvp", "second"}
    result = parity.check(mx.tanh, golden=tmp_path / "x").or_raise()
    assert {v.what for v in result if v.variant == "mlx float32"} == {"output"}


class Rotary(torch.nn.Module):
    """With a table that was computed in float32."""

    def __init__(self):
        super().__init__()
        self.register_buffer("table", 10.0 ** -(torch.arange(4) / 4), persistent=False)

    def forward(self, x):
        return x * self.table


def test_constants_in_single_precision_are_recorded(tmp_path):
    ours = lambda x: x * mx.array(10.0 ** -(np.arange(4) / 4), x.dtype)  # noqa: E731
    parity.record(Rotary(), (3, 4), tmp_path / "x", batched=False, **FIRST).or_raise()
    result = parity.check(ours, golden=tmp_path / "x", **FIRST).or_raise()
    assert "PyTorch's buffer table was made in float32" in result.notes[0]


def test_arguments_of_any_tree(tmp_path):
    given = ({"b": [np.ones(2), 3], "a": (None, "causal", np.arange(2))}, True)
    arrays = {"input 0.b.0": given[0]["b"][0], "input 0.a.2": given[0]["a"][2]}
    codes = json.loads(json.dumps([encoded(tree, f"input {i}") for i, tree in enumerate(given)]))
    again = tuple(decoded(code, arrays) for code in codes)
    assert str(again) == str(given)
    with pytest.raises(parity.UsageError, match="input 0 is object: a golden file has arrays, numbers and trees"):
        encoded(object(), "input 0")


def edited(path: Path, to: Path, change) -> Path:
    header, arrays = read(path)
    write(to, header, arrays)
    to.write_bytes(change(to.read_bytes()))
    return to


FORMAT = b'\\"format\\": 1'
FILES = {
    "absent": (None, "there is no file .*: write it with parity.record, where PyTorch is installed"),
    "cut": (lambda data: data[:-9], "is damaged or no safetensors file .*: record it anew with parity.record"),
    "one bit": (
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        "is damaged, as its contents do not fit their checksum",
    ),
    "one word": (lambda data: data.replace(b"Torch", b"torch", 1), "is damaged, as its contents"),
    "text": (lambda data: b"# notes", "is damaged or no safetensors file"),
    "foreign": (
        lambda data: safetensors.save({"weight": np.ones(2)}),
        "was not written by parity.record, but is another safetensors file",
    ),
    "older": (
        lambda data: data.replace(b'\\"format\\": 1', b'\\"format\\": 0'),
        "of format 0, and only format 1 is read",
    ),
    "newer": (
        lambda data: data.replace(b'\\"format\\": 1', b'\\"format\\": 9'),
        "of format 9, and only format 1 is read",
    ),
}


@pytest.mark.parametrize("fault", FILES)
def test_a_file_that_cannot_be_used_is_one_sentence(fault, golden, tmp_path):
    change, words = FILES[fault]
    path = tmp_path / "x.safetensors"
    if change:
        edited(golden, path, change)
    with pytest.raises(parity.UsageError, match=words) as raised:
        parity.check(Mlx(), golden=path)
    assert "\n" not in str(raised.value) and str(path) in str(raised.value)


MISTAKES = {
    "another shape": (
        lambda p: parity.check(Mlx(6), golden=p),
        r"MLX's a.weight = a.weight has the shape .5, 4",
    ),
    "another precision": (lambda p: parity.check(Mlx(), golden=p, dtypes="float16"), "was recorded without 'float16'"),
    "inputs as well": (
        lambda p: parity.check(Mlx(), golden=p, inputs=(3, 4)),
        "a golden file brings inputs: leave inputs out",
    ),
    "PyTorch as well": (
        lambda p: parity.check(Mlx(), Torch(), golden=p),
        "a golden file brings torch: leave torch out",
    ),
    "other parameters": (lambda p: parity.check(Mlx(), golden=p, parameters={}), "brings PyTorch's parameters"),
    "a class": (lambda p: parity.check(Mlx, golden=p), "mlx is <class .*: give an object of mlx.nn.Module"),
    "an ignored parameter": (
        lambda p: parity.check(Mlx(), golden=p, ignore={"a.bias": "none"}),
        "has derivatives by or through PyTorch's a.bias: ignore it in parity.record",
    ),
    "neither": (lambda p: parity.check(Mlx()), "nothing to compare with: give PyTorch's module and inputs, or golden="),
    "no folder": (
        lambda p: parity.record(Torch(), (3, 4), p / "x" / "y", **FIRST),
        "cannot write .*: choose another file",
    ),
    "MLX's side": (lambda p: parity.record(Mlx, (3, 4), p), "torch is <class"),
    "outputs of another shape": (
        lambda p: parity.check(Mlx(), golden=p, mlx_call=lambda m, x: m(x).T),
        r"outputs differ in shape, PyTorch's output \(3, 2\), MLX's output \(2, 3\)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_a_sentence(mistake, golden):
    make, words = MISTAKES[mistake]
    with pytest.raises(parity.UsageError, match=words):
        make(golden)
