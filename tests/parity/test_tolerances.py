"""No hand-set tolerance decides a verdict: every tiny number in the harness is accounted for; nothing is `close`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import parity

ROOT = Path(parity.__file__).parent
TINY = 0.05

# The tiny numbers of each file, and why. Those marked "bound" decide verdicts: the constants of the derivation.
ACCOUNTED = {
    "bounds/units.py": {2.0**-11, 2.0**-8, 2.0**-24, 2.0**-53},  # bound: the unit roundoffs
    "results/verdict.py": {1e-10},  # bound: the agreement demanded in float64, an upper limit of derived bounds
    # Where the table of differences starts and may stop early, and how far a kink is left behind: never a bound.
    "compare/slope.py": {2.0**-10, 2.0**-20, 2.0**-6},
    "mapping/proposals/search.py": {2.0**-7, 0.02},  # which names are proposed: a person confirms them
    "float64/records.py": {1e-7, 5e-8, 3e-8, 6e-8},  # measured sizes of limitations, for the reader
    "bounds/decisions.py": {1e-3},  # the share of a step that tells a weight that took part from one that did not
    "project/full_model.py": {1e-3},  # the least distance of every choice in a drawn batch from a tie
    "optimizers/inputs.py": {1e-7},  # the size of tiny gradients
    "results/page/heatmap.py": {1e-3, 1e-2},  # the steps of the colours
}
CLOSE = {"allclose", "isclose", "assert_allclose", "assert_close", "approx"}


def tiny_numbers(tree: ast.Module) -> Iterator[float]:
    """Floating literals, and powers of literals, between 0 and TINY."""
    for node in ast.walk(tree):
        power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and isinstance(node.left, ast.Constant)
        if power or isinstance(node, ast.Constant):
            try:
                value = eval(compile(ast.Expression(node), "literal", "eval"), {"__builtins__": {}})
            except NameError:
                continue
            if isinstance(value, float) and 0 < abs(value) < TINY:
                yield value


def test_every_tiny_number_is_accounted_for():
    numbers = {
        str(path.relative_to(ROOT)): set(tiny_numbers(ast.parse(path.read_text(encoding="utf-8"))))
        for path in sorted(ROOT.rglob("*.py"))
    }
    assert {path: values for path, values in numbers.items() if values} == ACCOUNTED


def test_nothing_is_close():
    for path in ROOT.rglob("*.py"):
        names = {
            getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(ast.parse(path.read_text("utf-8")))
        }
        assert not names & CLOSE, path


def test_the_search_sees_literals_and_powers():
    assert set(tiny_numbers(ast.parse("x = 1e-3 + 2.0**-12 + 0.5 + 3 + n**-2 + f(rtol=1e-5)"))) == {
        1e-3,
        2.0**-12,
        1e-5,
    }
