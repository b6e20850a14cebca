"""The rules of the house, read from the source: who may know whom, and that the wings mirror each other."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WINGS, FRAMEWORKS = ("mlx_impl", "torch_ref"), ("mlx", "torch")
ABOVE = ("parity", "tests", "train_mps", "examples")
# A package and what none of its files may import, not even inside a function.
FORBIDDEN = {
    "corpus": (*FRAMEWORKS, *WINGS, *ABOVE, "personas", "training"),
    "personas": (*FRAMEWORKS, *WINGS, *ABOVE, "training"),
    "training": (*FRAMEWORKS, *WINGS, *ABOVE),
    "mlx_impl": ("torch", "torch_ref", *ABOVE, "training"),
    "torch_ref": ("mlx", "mlx_impl", *ABOVE, "training"),
    "calibration": (*FRAMEWORKS, *WINGS, "parity", "tests", "examples"),
    "screening": (*FRAMEWORKS, *WINGS, "parity", "tests", "examples"),
    "parity": ("tests", "examples"),
    "examples": ("tests",),
    "train_mps.py": (*FRAMEWORKS, *WINGS, "parity", "tests", "examples"),
}
FORWARD = {"forward": "__call__"}  # what PyTorch and MLX call the same thing


def sources(place: str) -> list[Path]:
    """The Python files of a package, or the one file."""
    path = ROOT / place
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(source: str) -> set[str]:
    """The top-level names of everything that a source imports absolutely, by statement or by import_module."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return {name.split(".")[0] for name in found}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import mlx.core as mx, numpy", {"mlx", "numpy"}),
        ("from torch.nn import functional", {"torch"}),
        ("from .torch import x", set()),
        ("def f():\n    import torch", {"torch"}),
        ("importlib.import_module('mlx.nn')", {"mlx"}),
        ("'import torch'", set()),
    ],
)
def test_imports_are_read(source, names):
    assert imported(source) == names


@pytest.mark.parametrize("place", FORBIDDEN)
def test_who_may_know_whom(place):
    found = sources(place)
    assert found
    for path in found:
        crossing = imported(path.read_text(encoding="utf-8")) & set(FORBIDDEN[place])
        assert not crossing, f"{path.relative_to(ROOT)} imports {crossing}"


def rooms(wing: str) -> dict[str, Path]:
    """{"baseline/norm.py": path, ...}"""
    return {str(path.relative_to(ROOT / wing)): path for path in (ROOT / wing).glob("*/[!_]*.py")}


def classes(path: Path) -> dict[str, set[str]]:
    """{class: its public methods}, with forward under MLX's name."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            renamed = {FORWARD.get(name, name) for name in names}
            found[node.name] = {name for name in renamed if not name.startswith("_") or name == "__call__"}
    return found


def parameters(path: Path) -> dict[str, list[str]]:
    """{"class.method": the names of its arguments}, with forward under MLX's name."""
    return {
        f"{owner.name}.{FORWARD.get(method.name, method.name)}": [argument.arg for argument in method.args.args]
        for owner in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(owner, ast.ClassDef)
        for method in owner.body
        if isinstance(method, ast.FunctionDef)
        and FORWARD.get(method.name, method.name) in classes(path)[owner.name] | {"__init__"}
    }


def test_the_wings_have_the_same_rooms():
    mlx, torch = (set(rooms(wing)) for wing in WINGS)
    assert len(mlx) >= 6
    assert mlx == torch, f"without a twin: {mlx ^ torch}"


@pytest.mark.parametrize("room", [*sorted(rooms("mlx_impl")), "model.py"])
def test_twins(room):
    """The same classes, and in them the same public methods with the same arguments."""
    mlx, torch = (ROOT / wing / room for wing in WINGS)
    assert classes(mlx) == classes(torch) != {}
    assert parameters(mlx) == parameters(torch)


def test_trainers_offer_the_same():
    """All that the loop asks of a wing."""
    offered = [classes(ROOT / wing / "trainer.py")["Trainer"] for wing in WINGS]
    assert offered[0] & offered[1] >= {"step", "apply", "losses", "read", "write", "peak_memory"}


@pytest.mark.parametrize("room", sorted(rooms("mlx_impl")))
def test_every_room_is_defined(room):
    """A definition of the same name, with its cases and theorems, and every public method of the wings."""
    definition = ROOT / "personas" / room
    assert definition.exists(), f"personas/{room} is missing"
    defined = vars(import_module(".".join(definition.relative_to(ROOT).with_suffix("").parts)))
    for name, methods in classes(ROOT / "mlx_impl" / room).items():
        assert name in defined, f"personas/{room} does not define {name}"
        inherited = set().union(*map(vars, defined[name].__mro__))
        assert methods & {"__call__", "embed", "log_prob", "log_probs"} <= inherited
    assigned = {
        target.id
        for node in ast.parse(definition.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert {"CASES", "THEOREMS"} <= assigned


PYTHON = [path for place in (*FORBIDDEN, "tests") for path in sources(place)]
HOUSE = [path for path in PYTHON if ROOT / "tests" not in path.parents]


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_size(path):
    """A file fits on a few screens, a line on one; tests may be longer, not wider."""
    lines = path.read_text(encoding="utf-8").splitlines()
    wide = [number for number, line in enumerate(lines, 1) if len(line) > 120]
    assert not wide, f"lines {wide} are wider than 120 columns"
    assert len(lines) <= 200 or path not in HOUSE


@pytest.mark.parametrize("path", HOUSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path):
    source = path.read_text(encoding="utf-8")
    assert not source.strip() or ast.get_docstring(ast.parse(source)), "a module begins with its docstring"
