"""Brevity: one sentence for all verdicts that fail together, one line for a mistake of the user."""

from __future__ import annotations

import sys

import mlx.core as mx
import numpy as np
import pytest
import torch

import parity
from lyceum.contract import UserError
from parity import brief
from parity.results.findings import causes
from parity.results.verdict import compare


def failed(case: str, variant: str, what: str):
    return compare(case, variant, what, np.ones(2), np.zeros(2), 0.5, "by decree")


def test_one_cause_is_one_sentence():
    port = [failed("p", v, f"layers.{i}.weight") for v in ("mlx float64", "mlx float32") for i in range(61)]
    output = failed("p", "mlx float64", "output")
    slope, bound = failed("p", "torch slope", "all"), failed("p", "bound float64", "output")
    other = failed("q: long", "mlx float32", "weight")
    assert causes([slope, *port, output, bound, other]) == [
        slope.sentence(),
        f"{output.sentence()}; and 122 more",
        bound.sentence(),
        other.sentence(),
    ]
    assert causes([]) == []


def test_a_failed_check_says_one_sentence():
    findings = parity.check(lambda x: mx.tanh(x) * 1.001, torch.tanh, inputs=(2, 3), name="port")
    (sentence,) = findings.sentences()
    assert (
        sentence.startswith("port, mlx float64, output: at (")
        and f"; and {len(findings.failures) - 1} more" in sentence
    )
    with pytest.raises(AssertionError) as error:
        findings.or_raise()
    assert str(error.value) == sentence and str(findings).count("port, mlx float64") == 1


@pytest.fixture
def hook(monkeypatch):
    """The hook, installed above one that counts what reaches it."""
    reached = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: reached.append(error[0]))
    brief.install()
    brief.install()
    return reached


@pytest.mark.parametrize("error", [parity.UsageError("say this."), brief.ParityError("port differs")])
def test_an_uncaught_mistake_is_one_line_in_a_script(error, hook, capsys):
    sys.excepthook(type(error), error, None)
    assert capsys.readouterr().err == f"{type(error).__name__}: {error}\n" and not hook
    assert error._render_traceback_() == [f"{type(error).__name__}: {error}"]


def test_other_errors_are_left_alone(hook, capsys):
    sys.excepthook(KeyError, KeyError("x"), None)
    assert hook == [KeyError] and not capsys.readouterr().err


def mistaken(x):
    raise KeyError("no such thing")


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: parity.check(mistaken, torch.tanh, (2, 3)),
        lambda: parity.localize(mx.tanh, torch.tanh, (2, 3)),
        lambda: parity.check_optimizer(None, torch.optim.SGD),
        lambda: parity.propose_names(None, None),
    ],
)
def test_no_frame_of_the_library_is_shown(mistake):
    with pytest.raises(UserError) as error:
        mistake()
    files = [str(entry.path) for entry in error.traceback]
    assert all(file.endswith(("test_brief.py", "brief.py")) for file in files), files
    assert error.value.__cause__ is None and error.value.__suppress_context__


def test_what_the_code_of_the_user_raises_is_named_with_its_line():
    with pytest.raises(parity.UsageError, match=r"KeyError: 'no such thing' at test_brief\.py:\d+;"):
        parity.check(mistaken, torch.tanh, (2, 3))
