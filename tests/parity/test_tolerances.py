"""No hand-set tolerance decides a verdict: every small number in the bridge is accounted for; nothing is `close`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import parity

ROOT = Path(parity.__file__).parent
SMALL = 0.05

# Where a small number stands, and why. What judges is marked: these are the constants of the derivation.
ACCOUNTED = {
    "rounding.py": {2.0**-11, 2.0**-8, 2.0**-24, 2.0**-53},  # judges: the unit roundoffs
    "verdict.py": {1e-10},  # judges: what the project promises of float64, an upper limit of derived bounds
    "slope.py": {2.0**-10, 2.0**-20},  # where the table of differences starts and may stop early, never a bound
    "exact/records.py": {1e-7, 5e-8, 3e-8, 6e-8},  # measured sizes of limitations, for the reader
    "decisions.py": {1e-3},  # the share of a step that tells a weight that took part from one that did not
    "whole.py": {1e-3},  # how far from a tie a drawn batch keeps every choice
    "optimizers/course.py": {1e-7},  # the size of tiny gradients
    "page/heatmap.py": {1e-3, 1e-2},  # the steps of the colours
}
CLOSE = {"allclose", "isclose", "assert_allclose", "assert_close", "approx"}


def small_numbers(tree: ast.Module) -> Iterator[float]:
    """Floating literals, and powers of literals, between 0 and SMALL."""
    for node in ast.walk(tree):
        power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and isinstance(node.left, ast.Constant)
        if power or isinstance(node, ast.Constant):
            try:
                value = eval(compile(ast.Expression(node), "literal", "eval"), {"__builtins__": {}})
            except NameError:
                continue
            if isinstance(value, float) and 0 < abs(value) < SMALL:
                yield value


def test_every_small_number_is_accounted_for():
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        if numbers := set(small_numbers(ast.parse(path.read_text(encoding="utf-8")))):
            found[str(path.relative_to(ROOT))] = numbers
    assert found == ACCOUNTED


def test_nothing_is_close():
    for path in ROOT.rglob("*.py"):
        names = {
            getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(ast.parse(path.read_text("utf-8")))
        }
        assert not names & CLOSE, path


def test_the_search_finds_what_it_looks_for():
    assert set(small_numbers(ast.parse("x = 1e-3 + 2.0**-12 + 0.5 + 3 + n**-2 + f(rtol=1e-5)"))) == {
        1e-3,
        2.0**-12,
        1e-5,
    }
