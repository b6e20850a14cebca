"""`python -m parity new`: what it writes passes every check, and what cannot be written changes nothing."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lyceum.contract import UserError
from lyceum.runs import files
from parity.scaffold.create import create, register
from parity.scaffold.system import CLASS_ENDINGS, LONGEST_NAME, LONGEST_TITLE, NewSystem
from tests import test_words

ROOT = Path(__file__).resolve().parents[3]
PERSONA = "lyceum/personas/aristotle/__init__.py"
WRITTEN = [
    "lyceum/personas/aristotle/{}.py",
    "mlx_impl/aristotle/{}.py",
    "torch_ref/aristotle/{}.py",
    "parity/mutation/faults/aristotle/{}.py",
    "tests/lyceum/personas/aristotle/test_{}.py",
]
EXTREMES = [("a", ""), ("a" * LONGEST_NAME, "A" * LONGEST_TITLE), ("the_middle", "A24, it's the middle")]


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A copy of the files of this checkout."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("the files of a checkout are listed by git")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    folder = tmp_path / "checkout"
    for name in filter(None, names):
        if (ROOT / name).is_file() and not name.startswith("docs/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """{path: bytes} of every file below a folder, but for compiled ones and runs."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    relative = {str(path.relative_to(folder)): path for path in paths if "__pycache__" not in path.parts}
    return {name: path.read_bytes() for name, path in relative.items() if not name.startswith("runs/")}


@pytest.mark.parametrize("module", CLASS_ENDINGS)
def test_it_writes_five_files_and_one_line(checkout, module):
    before = contents(checkout)
    paths = create(checkout, NewSystem("aristotle", "scaffolded", module))
    after = contents(checkout)
    assert sorted(after.keys() - before.keys()) == sorted(name.format("scaffolded") for name in WRITTEN)
    assert {name for name in before if before[name] != after[name]} == {PERSONA}
    old, new = (state[PERSONA].decode().splitlines() for state in (before, after))
    assert [line for line in new if line not in old] == ['    "scaffolded",'] and len(new) == len(old) + 1
    assert {str(path.relative_to(checkout)) for path in paths} == after.keys() - before.keys() | {PERSONA}


@pytest.mark.parametrize("module", CLASS_ENDINGS)
def test_its_texts_are_formatted_and_plain(checkout, module, monkeypatch):
    """Whatever the length of its name and title."""
    paths = [path for name, title in EXTREMES for path in create(checkout, NewSystem("euclid", name, module, title))]
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", *map(str, paths)]
        done = subprocess.run(ruff, cwd=checkout, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.setattr(test_words, "ROOT", checkout)
    assert [hit for path in paths for hit in test_words.left(path) if path.name != "__init__.py"] == []


def run(folder: Path, *command: str) -> str:
    """The output of a Python command in a folder, which must succeed."""
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


REPOSITORY = "import_circle or same_layers or who_imports or reference_of_its_name or names_are_unique"


def checked(folder: Path, tests: str = "scaffolded") -> None:
    """Run the tests of the copy that concern the new system: by hand, cases, theorems, causality, faults, mirrors."""
    suites = ["test_repository.py", "lyceum/personas/aristotle/test_scaffolded.py"]
    suites += [f"parity/project/test_{name}.py" for name in ("cases", "causality", "theorems")]
    suites += ["parity/mutation/test_mutants.py"]
    selection = ["-k", f"({tests}) or {REPOSITORY}", "-m", "slow or not slow", "-n", "0", "-q"]
    out = run(folder, "-m", "pytest", *selection, *(f"tests/{suite}" for suite in suites))
    assert "[100%]" in out


def test_a_new_norm_passes_every_check(checkout):
    """Its layer; the models with it are checked in the slow test."""
    out = run(checkout, "-m", "parity", "new", "aristotle", "scaffolded", "--title", "A24, the test")
    assert out.splitlines()[: len(WRITTEN)] == [name.format("scaffolded") for name in WRITTEN]
    checked(checkout, "scaffolded and not model and not step and not every_seed and not future")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("module", CLASS_ENDINGS)
def test_every_module_passes_every_check_and_trains(checkout, module):
    run(checkout, "-m", "parity", "new", "aristotle", "scaffolded", "--module", module)
    checked(checkout)
    assert "failed" not in run(checkout, "-m", "parity", "check", "scaffolded")
    for backend in ("mlx", "torch"):
        training = ["--persona", "aristotle", "--with", "scaffolded", "--steps", "20", "--backend", backend]
        run(checkout, "train_mps.py", *training, "--out", f"runs/{backend}")
        assert (checkout / "runs" / backend / "result.json").exists()


@pytest.mark.parametrize(
    ("system", "words"),
    [
        (NewSystem("plato", "scale"), "no persona 'plato' that takes systems: choose aristotle or euclid"),
        (NewSystem("baseline", "scale"), "no persona 'baseline' that takes systems"),
        (NewSystem("aristotle", "2x"), "'2x' cannot name a Python module"),
        (NewSystem("aristotle", "two words"), "cannot name a Python module"),
        (NewSystem("aristotle", "class"), "cannot name a Python module"),
        (NewSystem("aristotle", "_hidden"), "cannot name a Python module"),
        (NewSystem("aristotle", "a" * (LONGEST_NAME + 1)), "longer than 20 characters"),
        (NewSystem("aristotle", "rope"), "has a system 'rope' already"),
        (NewSystem("aristotle", "default"), "has a system 'default' already"),
        (NewSystem("aristotle", "scale", "position"), "no template for the module 'position': choose norm, mlp, mixer"),
        (NewSystem("aristotle", "scale", title='a "quote"'), "does not fit"),
        (NewSystem("aristotle", "scale", title="A" * (LONGEST_TITLE + 1)), "does not fit"),
        (NewSystem("aristotle", "scale", title="two\nlines"), "does not fit"),
    ],
)
def test_a_system_that_cannot_be_made(system, words):
    with pytest.raises(UserError, match=words) as refusal:
        create(ROOT, system)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("name", ["lyceum/personas/aristotle/scale", "mlx_impl/aristotle/scale.py"])
def test_a_name_whose_file_is_taken(checkout, name):
    (checkout / name).mkdir()
    before = contents(checkout)
    with pytest.raises(UserError, match="scale(.py)? exists already: choose another name"):
        create(checkout, NewSystem("aristotle", "scale"))
    assert contents(checkout) == before


def test_an_installed_package_is_no_checkout(tmp_path):
    with pytest.raises(UserError, match="is no checkout of the project .*: run this in a git clone"):
        create(tmp_path, NewSystem("aristotle", "scale"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failing", range(6))
def test_a_write_that_fails_leaves_nothing(checkout, monkeypatch, failing):
    """Five files and the line of registration: whichever cannot be written."""
    before, count = contents(checkout), iter(range(6))

    def write(path, data):
        if next(count) == failing:
            raise PermissionError(errno.EACCES, "", str(path))
        path.write_bytes(data)

    monkeypatch.setattr(files, "write", write)
    with pytest.raises(UserError, match="^cannot write .*: Permission denied; nothing was changed.$"):
        create(checkout, NewSystem("aristotle", "scale"))
    assert contents(checkout) == before


@pytest.mark.parametrize("last", range(6))
def test_an_interruption_leaves_nothing(checkout, monkeypatch, last):
    """After any of the files, the line of registration included."""
    before, count = contents(checkout), iter(range(6))

    def write(path, data):
        path.write_bytes(data)
        if next(count) == last:
            raise KeyboardInterrupt

    monkeypatch.setattr(files, "write", write)
    with pytest.raises(KeyboardInterrupt):
        create(checkout, NewSystem("aristotle", "scale"))
    assert contents(checkout) == before


def test_a_persona_that_registers_nothing():
    with pytest.raises(UserError, match="does not call systems_of"):
        register("SYSTEMS = ()\n", "scale")
