"""The pytest plugin, in another pytest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PORTS = """
import mlx.core as mx
import parity
import torch

def test_same(parity_check):
    findings = parity_check(mx.tanh, torch.tanh, inputs=(2, 3))
    assert findings.name == "test_same"

def test_different(parity_check):
    parity_check(lambda x: mx.tanh(x) * 1.001, torch.tanh, inputs=(2, 3), name="named")

def test_mistaken():
    parity.check(mx.tanh, torch.tanh, inputs=(2, 3), dtypes=("float65",))
"""


@pytest.fixture
def session(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    pytester.makepyfile(PORTS)

    def run(*arguments: str):
        return pytester.runpytest_subprocess("-p", "parity.plugin", *arguments)

    return run


def test_a_difference_fails_the_test_with_its_sentences_and_records_are_written(session, pytester):
    result = session("--parity-json", "records.jsonl")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.re_match_lines([r"named, mlx float64, output: at \(\d, \d\) expected .* allowed .*"])
    result.stdout.fnmatch_lines(["parity: * verdicts passed."])
    result.stdout.no_fnmatch_line("*plugin.py*")
    result.stdout.fnmatch_lines(["*.py::test_mistaken at *.py:*: UsageError: there is no precision 'float65': *"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*parity/compare*")
    environment, *records = [json.loads(line) for line in (pytester.path / "records.jsonl").read_text().splitlines()]
    assert environment["record"] == "environment"
    assert {record["case"] for record in records} == {"test_same", "named"}
    assert {record["ok"] for record in records if record["case"] == "test_same"} == {True}
    assert False in {record["ok"] for record in records if record["case"] == "named"}
