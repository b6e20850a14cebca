"""The command line as a shell sees it: statuses, one sentence for a mistake, help, completion, and quick starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import train_mps
from lyceum.cli import app as application
from lyceum.cli import main
from lyceum.cli.app import COMMANDS, app
from lyceum.contract import UserError

ROOT = os.path.dirname(train_mps.__file__)
FRAMEWORKS = {"mlx", "torch", "mlx_impl", "torch_ref"}


def shell(*arguments: str, **options) -> subprocess.CompletedProcess:
    """`python -m lyceum` in a new process."""
    environment = os.environ | {"PYTHONPATH": ROOT, "COLUMNS": "100"} | options.pop("environment", {})
    command = [sys.executable, "-m", "lyceum", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, **options)


def sentence(capsys) -> str:
    """What a mistake is answered with: one line on standard error, nothing on standard output."""
    out, errors = capsys.readouterr()
    assert out == "" and errors.startswith("lyceum: ") and errors.count("\n") == 1
    return errors


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example(name):
    result = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "100", "NO_COLOR": "1"})
    assert result.exit_code == 0
    assert re.search(rf"\$ lyceum {name}\b", result.output), "no example"
    assert all(len(line) <= 100 for line in result.output.splitlines())


def test_without_a_command_it_is_the_help(capsys):
    assert main([]) == 0
    page = capsys.readouterr().out
    assert all(name in page for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plto"], "plto"),
        (["--nonsense"], "--nonsense"),
        (["sample"], "RUN"),
        (["sample", "r"], "TEXT"),
        (["sample", "r", "x", "--tokens", "many"], "--tokens"),
        (["sample", "r", "x", "--sampler", "greedy"], "greedy"),
        (["sample", "r", "x", "--batch-size", "4"], "--batch-size"),
        (["evaluate", "r", "--backend", "jax"], "jax"),
        (["compare"], "RUN"),
    ],
)
def test_a_usage_mistake_is_one_sentence_and_status_2(capsys, arguments, words):
    assert main(arguments) == 2
    message = sentence(capsys)
    assert words in message and re.search(r"\(see lyceum[ a-z]* --help\)\.$", message.strip())


@pytest.mark.parametrize("command", ["evaluate", "plot", "quantize", "compare", "runs"])
def test_a_folder_without_a_run_is_one_sentence(capsys, tmp_path, command):
    folder = str(tmp_path / "absent")
    assert main([command, folder, *([folder] if command == "compare" else [])]) == 2
    assert folder in sentence(capsys)


def test_an_error_of_the_user_has_its_status_and_a_bug_its_traceback(monkeypatch, capsys):
    def fails(*arguments, **options):
        raise error

    monkeypatch.setattr(application, "app", fails)
    error = UserError("the disk is full: free some space.")
    assert main(["corpus"]) == 1
    assert sentence(capsys) == "lyceum: the disk is full: free some space.\n"
    error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        main(["corpus"])


def test_ctrl_c_is_quiet(monkeypatch, capsys, tmp_path):
    def interrupted(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr("lyceum.runs.summary.find", interrupted)
    assert main(["runs", str(tmp_path)]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_leaves_is_no_error():
    """As in `lyceum systems | head -1`; the pipe is closed before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "lyceum", "systems"]
    process = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, timeout=60)
    os.close(writing)
    assert process.stderr == b"" and process.returncode in (0, 1)


def test_the_shell_completes_commands_and_options():
    for words, wanted in (("lyceum sys", "systems"), ("lyceum sample --temp", "--temperature")):
        environment = {"_LYCEUM_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": words}
        done = shell(environment=environment)
        assert done.returncode == 0 and wanted in done.stdout and done.stderr == ""
    # Typer looks for the user's shell among the parent processes; a test need not have one.
    script = shell("--show-completion", "bash", environment={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert script.returncode == 0 and "_LYCEUM_COMPLETE" in script.stdout, script.stderr


QUICK = """
import sys
from lyceum.cli import main
for arguments in {commands!r}:
    assert main(arguments) == 0, arguments
loaded = {{name.split(".")[0] for name in sys.modules}} & {frameworks!r}
assert not loaded, loaded
"""


def test_what_reads_runs_imports_no_framework(runs, tmp_path):
    one, other = str(runs / "one"), str(runs / "other")
    pictures = [str(tmp_path / name) for name in ("a.png", "b.png")]
    commands = [
        ["--help"],
        ["systems"],
        ["runs", str(runs)],
        ["compare", one, other, "--out", pictures[0]],
        ["plot", one, "--out", pictures[1]],
    ]
    script = QUICK.format(commands=commands, frameworks=FRAMEWORKS)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr


def test_help_imports_next_to_nothing():
    script = "import sys; from lyceum.cli import main; main(['--help']); print('numpy' in sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stderr == "False\n"


def test_python_m_is_the_same():
    done = shell("runs", "/no/such/folder")
    assert done.returncode == 2 and done.stderr.startswith("lyceum: there is no folder /no/such/folder")
