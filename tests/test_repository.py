"""The rules of the repository, read from the source: who imports whom, folders, mirrors, sizes."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from lyceum import personas

ROOT = Path(__file__).resolve().parents[1]
BACKENDS, FRAMEWORKS = ("mlx_impl", "torch_ref"), ("mlx", "torch")
PACKAGES = ("lyceum", "mlx_impl", "torch_ref", "parity", "examples", "benchmarks", "tests")
TOP = {"train_mps.py", "lyceum", "mlx_impl", "torch_ref", "parity", "tests", "docs", "examples", "benchmarks"}
# A part of the repository, and what none of its files may import, not even inside a function.
FORBIDDEN = {
    "lyceum": (*FRAMEWORKS, *BACKENDS, "parity", "lyceum.cli", "tests", "examples", "benchmarks"),
    "lyceum/corpus": ("lyceum.personas", "lyceum.training", "lyceum.runs", "train_mps"),
    "lyceum/personas": ("lyceum.training", "lyceum.runs", "lyceum.experiments", "train_mps"),
    "lyceum/training": ("lyceum.experiments", "train_mps"),
    "lyceum/cli": ("tests", "examples", "benchmarks"),
    "mlx_impl": ("torch", "torch_ref", "parity", "train_mps", "tests", "examples", "lyceum.training", "lyceum.cli"),
    "torch_ref": ("mlx", "mlx_impl", "parity", "train_mps", "tests", "examples", "lyceum.training", "lyceum.cli"),
    "parity": ("tests", "examples", "benchmarks", "lyceum.cli"),
    "examples": ("tests",),
    "train_mps.py": (*FRAMEWORKS, *BACKENDS, "parity", "tests", "examples", "lyceum.cli"),
}
ABOVE_ALL = {"lyceum/cli", "lyceum/__main__.py"}  # above everything: what `lyceum` may not import, they may
MOST_MODULES = 12  # in one folder, besides __init__ and __main__
PERSONAS = {*personas.PERSONAS} - {"baseline"}  # one module a system, however many
FORWARD = {"forward": "__call__"}  # what PyTorch and MLX call the same thing


def sources(part: str) -> list[Path]:
    """The Python files of a part of the repository, or the one file."""
    path = ROOT / part
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def above(part: str) -> list[Path]:
    """What lies in the folder of a part, and above it in the order of imports."""
    return [ROOT / other for other in ABOVE_ALL if other != part and other.startswith(f"{part}/")]


def imported(source: str) -> set[str]:
    """The modules and names that a source imports absolutely, "package.module" and "package.module.name" each."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            names |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import mlx.core as mx, numpy", {"mlx.core", "numpy"}),
        ("from torch.nn import functional", {"torch.nn", "torch.nn.functional"}),
        ("from .torch import x", set()),
        ("def f():\n    import torch", {"torch"}),
        ("importlib.import_module('mlx.nn')", {"mlx.nn"}),
        ("'import torch'", set()),
    ],
)
def test_imports_are_read(source, names):
    assert imported(source) == names


@pytest.mark.parametrize("part", FORBIDDEN)
def test_who_imports_whom(part):
    files = sources(part)
    assert files
    for path in (file for file in files if not any(other in (file, *file.parents) for other in above(part))):
        for name in imported(path.read_text(encoding="utf-8")):
            crossing = [bad for bad in FORBIDDEN[part] if name == bad or name.startswith(f"{bad}.")]
            assert not crossing, f"{path.relative_to(ROOT)} imports {name}"


@cache
def modules() -> dict[str, Path]:
    """{dotted name: file} of every module of the packages."""
    result = {}
    for package in PACKAGES[:4]:
        for path in sources(package):
            parts = path.relative_to(ROOT).with_suffix("").parts
            result[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return result


def top_level_imports(path: Path) -> set[str]:
    """The project's modules that a file imports when it is imported itself.

    `from package import module` is an import of the module: the package itself only holds it.
    """
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= full & modules().keys()
            if full - modules().keys():
                names.add(node.module)
    return names & modules().keys()


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """Every module that `start` imports, directly or through others."""
    seen: set[str] = set()
    ahead = [*graph[start]]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += graph[name]
    return seen


def test_no_import_circle():
    """Files that import each other, directly or through others, cannot be read one after the other."""
    graph = {name: top_level_imports(path) for name, path in modules().items()}
    assert sum(map(len, graph.values())) > 500
    circle = sorted(name for name in graph if name in reachable(graph, name))
    assert not circle, f"in import circles: {circle}"


def test_only_these_names_are_at_the_top():
    packages = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    files = {path.name for path in ROOT.glob("*.py")}
    assert {name for name in packages if not name.startswith((".", "build"))} | files <= TOP


def folders() -> list[Path]:
    """Every folder with Python files."""
    return sorted({path.parent for package in PACKAGES if (ROOT / package).exists() for path in sources(package)})


def test_folders_are_short():
    for folder in folders():
        names = [path.name for path in folder.glob("*.py") if not path.name.startswith("__")]
        assert len(names) <= MOST_MODULES or folder.name in PERSONAS, f"{len(names)} modules in {folder}: {names}"


def layers(backend: str) -> dict[str, Path]:
    """{"baseline/norm.py": path, ...}"""
    result = (path for folder in ("baseline", *PERSONAS, "common") for path in (ROOT / backend / folder).rglob("*.py"))
    return {str(path.relative_to(ROOT / backend)): path for path in result if ast.parse(path.read_text()).body[1:]}


def classes(path: Path) -> dict[str, set[str]]:
    """{class: its public methods}, with forward under MLX's name."""
    result = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            renamed = {FORWARD.get(name, name) for name in names}
            result[node.name] = {name for name in renamed if not name.startswith("_") or name == "__call__"}
    return result


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


def test_the_backends_have_the_same_layers():
    mlx, torch = (set(layers(backend)) for backend in BACKENDS)
    assert len(mlx) >= 6
    assert mlx == torch, f"without a twin: {mlx ^ torch}"


@pytest.mark.parametrize("layer", [*sorted(layers("mlx_impl")), "model.py"])
def test_twins(layer):
    """The same classes, and in them the same public methods with the same arguments."""
    mlx, torch = (ROOT / backend / layer for backend in BACKENDS)
    assert classes(mlx) == classes(torch)
    assert parameters(mlx) == parameters(torch)


def test_trainers_offer_the_same():
    """All that the loop asks of a backend."""
    offered = [classes(ROOT / backend / "trainer.py")["Trainer"] for backend in BACKENDS]
    assert offered[0] & offered[1] >= {"step", "apply", "losses", "read", "write", "peak_memory"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_implementation_has_a_reference_of_its_name(backend):
    """With cases and theorems beside it, and every public method of the implementation."""
    registry = import_module(f"{backend}.registry")
    registry.REGISTRY.load()
    assert len(registry.REGISTRY.implementations) > 20
    for reference, implementation in registry.REGISTRY.implementations.items():
        assert reference.__name__ == implementation.__name__
        inherited = set().union(*map(vars, reference.__mro__))
        methods = {FORWARD.get(name, name) for name in vars(implementation)}
        assert methods & {"__call__", "embed", "log_prob", "log_probs"} <= inherited


PYTHON = [path for part in ("train_mps.py", *PACKAGES) if (ROOT / part).exists() for path in sources(part)]
SHIPPED = [path for path in PYTHON if ROOT / "tests" not in path.parents]
assert ROOT / "lyceum" / "cli" / "app.py" in SHIPPED


def test_sizes():
    """A file fits on a few screens, a line on one; tests may be longer, not wider."""
    for path in PYTHON:
        lines = path.read_text(encoding="utf-8").splitlines()
        wide = [number for number, line in enumerate(lines, 1) if len(line) > 120]
        assert not wide, f"lines {wide} of {path} are wider than 120 columns"
        assert len(lines) <= 200 or path not in SHIPPED, f"{path} has {len(lines)} lines"


def test_every_module_says_what_it_is():
    for path in SHIPPED:
        source = path.read_text(encoding="utf-8")
        assert not source.strip() or ast.get_docstring(ast.parse(source)), f"{path} does not begin with a docstring"


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere_and_nothing_is_left_to_fill_in(page):
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
    assert re.findall(r"\b(?:DURATION_[A-Z_]+|[A-Z]+_MINUTES)\b", text) == []
