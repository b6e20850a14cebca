"""The Llama example and the guide: the pair passes, every mistake is localized, the page shows what its code prints."""

from __future__ import annotations

import contextlib
import io
import re
from functools import partial
from importlib import import_module
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
import torch

import parity
from parity import __main__ as command_line
from tests.support.turns import every

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "check_your_port.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MEASURED = re.compile(r"-?\d+(\.\d+)?e[+-]?\d+|-?\d+\.\d+")  # numbers that depend on the machine
FEW = (1, 6, 64)  # inputs that serve where a verdict is far from its bound
MISTAKES = range(8)  # their number


@pytest.fixture(scope="module")
def example():
    """The example with its pair, imported by the tests that run: the two libraries take seconds to load."""
    return import_module("examples.llama.check")


@pytest.fixture(scope="module")
def theirs(example):
    return example.torch_block()


def test_the_pair_passes_and_is_float64_indeed(example, theirs):
    assert {x.dtype for x in (*theirs.parameters(), *theirs.buffers())} == {torch.float64}
    assert not parity.check(example.mlx_block(), theirs, example.INPUTS).or_raise().limitations


# The guide itself shows the first one; by default one more is tried.
@pytest.mark.parametrize("number", every(len(MISTAKES), list(MISTAKES)))
def test_every_mistake_is_caught_and_localized(number, example, theirs):
    assert len(example.MISTAKES) == len(MISTAKES)
    faulty, mistake = example.mlx_block(), list(example.MISTAKES.values())[number]
    mistake.plant(faulty)
    result = parity.check(faulty, theirs, FEW, dtypes=("float64",), probes=("gradient",))
    assert "output" in {verdict.what for verdict in result.failures if verdict.variant == "mlx float64"}
    localization = parity.localize(faulty, theirs, FEW)
    first = localization.first_divergence
    assert first is not None and first.path == mistake.path, localization.sentence()


def test_the_pair_never_diverges(example, theirs):
    localization = parity.localize(example.mlx_block(), theirs, example.INPUTS)
    assert localization.first_divergence is None, localization.sentence()


def test_mistakes_are_made_in_the_copy_alone(example):
    example.faulty_mlx_block()
    assert example.mlx_block().layer.self_attn.rope.traditional is False


def test_the_exit_status_of_the_example(example, capsys, monkeypatch):
    right, faulty = example.mlx_block, example.faulty_mlx_block
    assert example.main() == 0
    assert "layer.self_attn" in capsys.readouterr().out
    monkeypatch.setattr(example, "INPUTS", FEW)
    monkeypatch.setattr(parity, "check", partial(parity.check, dtypes=("float64",), probes=("gradient",)))
    for name, other in (("mlx_block", faulty), ("faulty_mlx_block", right)):
        with monkeypatch.context() as patch:
            patch.setattr(example, name, other)
            assert example.main() == 1


def blocks() -> list[tuple[str, str]]:
    """(language, text) of every fenced block of the guide."""
    return FENCE.findall(GUIDE.read_text(encoding="utf-8"))


def run(language: str, text: str, namespace: dict) -> str:
    """What a block prints: Python in one namespace, commands of the harness in this process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if language == "python":
            exec(compile(text, str(GUIDE), "exec"), namespace)
        else:
            command_line.main(text.removeprefix("python -m parity ").split())
    return out.getvalue()


def shown(text: str) -> list[str]:
    """The lines without spacing, rules and measured numbers."""
    lines = (" ".join(MEASURED.sub("#", line).replace("─", "").split()) for line in text.splitlines())
    return [line for line in lines if line]


@pytest.mark.slow  # .ci/run asks for it
def test_the_guide_shows_what_its_code_prints(example):
    namespace: dict = {"__name__": "guide"}
    printed, compared = "", 0
    for language, text in blocks():
        if language == "text":
            assert shown(printed) == shown(text)
            compared += 1
        elif language == "python" or text.startswith("python -m parity "):
            printed = run(language, text, namespace)
    assert compared >= 7
    test = partial(namespace["test_my_block"], lambda *pair, **options: parity.check(*pair, **options).or_raise())
    test((1, 1, 64))
    namespace["MlxBlock"] = example.faulty_mlx_block
    with pytest.raises(AssertionError, match="mlx float64, output"):
        test((2, 16, 64))


def test_the_limit_about_llama_3_is_a_limit(example):
    """A frequency table in float32 is compared at its bounds, one in float64 at those, as the guide says."""
    theirs, ours = example.torch_block(), example.mlx_block()
    rope = ours.layer.self_attn.rope
    inverse = theirs.rotary_emb.inv_freq.numpy()

    class Table(type(rope)):
        def __call__(self, x, offset=0):
            given = dict(traditional=False, base=None, scale=1.0, offset=offset, freqs=self._freqs)
            return mx.fast.rope(x, self.dims, **given)

    rope.__class__ = Table
    with mx.stream(mx.cpu):
        rope._freqs = mx.array((1 / inverse).astype(np.float32))
        result = parity.check(ours, theirs, FEW, dtypes=("float64",), probes=("gradient",)).or_raise()
        assert "MLX's module keeps a table in float32" in result.notes[0]
        rope._freqs = mx.array(1 / inverse * (1 + 1e-5), mx.float32)
        assert not parity.check(ours, theirs, FEW, dtypes=("float64",), probes=("gradient",)).ok
        rope._freqs = mx.array(1 / inverse, mx.float64)
        assert not parity.check(ours, theirs, FEW, dtypes=("float64",), probes=("gradient",)).or_raise().notes
