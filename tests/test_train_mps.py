"""The entry point: the contract cannot be moved, a mistake gets one sentence, a run is the same however it is cut."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import numpy as np
import pytest

import train_mps
from lyceum import corpus, personas
from lyceum.contract import ContractError, UserError
from lyceum.rng import stream
from lyceum.runs import checkpoint

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "train_mps.py"
CONTRACT = dict(batch_size=8, block_size=64, n_layer=4, n_head=4, n_embd=32, max_iters=10001)
CADENCE = dict(eval_interval=100, eval_batches=1)
BACKENDS = ("torch", "mlx")


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory) -> str:
    """A short text: 6,000 ids for training, 400 for validation."""
    folder = tmp_path_factory.mktemp("text")
    for name, length in (("train.bin", 6000), ("val.bin", 400)):
        ids = stream(0, f"test-{name}").zipf(1.3, length) % 50257
        (folder / name).write_bytes(ids.astype("<u2").tobytes())
    return str(folder)


@pytest.fixture(scope="session")
def tables(data_dir) -> dict[str, np.ndarray]:
    """Aristotle's tables for that text, which take seconds to make."""
    aristotle = personas.PERSONAS["aristotle"]
    return personas.prepare(aristotle, aristotle.default, corpus.load(data_dir).train)


@pytest.fixture
def tables_made_once(monkeypatch, tables):
    """Runs in this process share the tables."""
    monkeypatch.setattr(personas, "prepare", lambda persona, names, train_ids: tables if names else {})


# --- the contract


def test_the_contract_is_what_the_contract_says():
    assert asdict(train_mps.FIXED) == CONTRACT | CADENCE
    assert {type(value) for value in asdict(train_mps.FIXED).values()} == {int}


def test_the_fixed_block_is_above_all_functions_and_is_written_out():
    body = ast.parse(PROGRAM.read_text()).body
    types = [type(node) for node in body]
    block = next(node for node in body if isinstance(node, ast.Assign) and node.targets[0].id == "FIXED")
    assert body.index(block) < types.index(ast.FunctionDef)
    assert all(isinstance(keyword.value, ast.Constant) for keyword in block.value.keywords)


def test_the_fixed_values_cannot_be_assigned():
    with pytest.raises(FrozenInstanceError):
        train_mps.FIXED.batch_size = 16


def test_train_without_arguments_is_the_contract():
    defaults = {
        name: p.default for name, p in inspect.signature(train_mps.train).parameters.items() if name != "unknown"
    }
    wanted = dict.fromkeys(defaults) | dict(backend="mlx", persona="aristotle", seed=1337, quiet=False)
    assert defaults == wanted


@pytest.mark.parametrize("name", CONTRACT | CADENCE)
def test_a_flag_with_a_fixed_name_is_refused(capsys, name):
    for flag in ("--" + name, "--" + name.replace("_", "-")):
        for arguments in ([flag, "16"], [f"{flag}=16"], [flag]):
            assert train_mps.main(["--backend", "torch", *arguments]) == 2
            message = _one_sentence(capsys)
            assert "contract" in message and f"{name} at {(CONTRACT | CADENCE)[name]}" in message
    with pytest.raises(ContractError, match="contract"):
        train_mps.train(**{name: 16})


def test_no_shortened_flag_slips_through(capsys):
    for arguments in (["--batch", "16"], ["--see", "x"]):
        assert train_mps.main(arguments) == 2
        assert f"unrecognized arguments: {' '.join(arguments)}" in _one_sentence(capsys)


# --- mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--backend", "jax"], "jax"),
        (["--persona", "plato"], "plato"),
        (["--seed", "x"], "--seed"),
        (["--seed", "-1"], "-1"),
        (["--steps", "0"], "from 1 to 10001, got 0"),
        (["--steps", "10002"], "from 1 to 10001, got 10002"),
        (["--frobnicate"], "--frobnicate"),
        (["--backend", "torch", "--data-dir", "no/such/folder"], "no/such/folder"),
        (["--resume", "no/such/run"], "no/such/run"),
        (["--out", __file__], "not an empty folder"),
        (["--backend", "torch", "--device", "abacus"], "'abacus'"),
        (["--backend", "mlx", "--device", "mps"], "metal"),
        (["--with", "plato"], "aristotle has no system 'plato': choose from tokenize"),
        (["--without", "plato"], "aristotle has no system 'plato'"),
        (["--with", "rope"], "'rope' and 'mla' exclude each other"),
        (["--with", "ssm", "--without", "ssm"], "switched on and off at once"),
        (["--persona", "baseline", "--with", "rope"], "baseline has no system 'rope'"),
        (["--persona", "euclid", "--with", "mla"], "'rope' and 'mla' exclude each other"),
    ],
)
def test_a_mistake_gets_one_sentence_and_leaves_nothing(capsys, monkeypatch, tmp_path, data_dir, arguments, words):
    monkeypatch.chdir(tmp_path)
    if "--data-dir" not in arguments and "--resume" not in arguments:
        arguments = [*arguments, "--data-dir", data_dir]
    assert train_mps.main(arguments) in (1, 2)
    assert words in _one_sentence(capsys)
    assert not list(tmp_path.iterdir())


def test_unknown_arguments_of_train_are_type_errors():
    with pytest.raises(TypeError, match="'sead'"):
        train_mps.train(sead=1)


# --- runs


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_short_run_by_path_from_elsewhere_with_one_framework(tmp_path, data_dir, backend):
    """As a search driver does it: another folder, nothing installed, the other framework absent."""
    code = (
        BLOCKER
        + f"""
import importlib.util
spec = importlib.util.spec_from_file_location("candidate", {str(PROGRAM)!r})
candidate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(candidate)
result = candidate.train({backend!r}, "aristotle", 7, {data_dir!r}, steps=3, quiet=True)
print(repr(result), [type(figure).__name__ for figure in result])
"""
    )
    other = {"torch": "mlx", "mlx": "torch"}[backend]
    done = subprocess.run([sys.executable, "-P", "-c", code, other], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert re.fullmatch(r"\([\d.]+, [\d.]+\) \['float', 'float'\]\n", done.stdout)
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith(f"aristotle-{backend}-7-")
    assert sorted(os.listdir(run)) == [
        "checkpoint.safetensors",
        "config.json",
        "loss.png",
        "metrics.jsonl",
        "result.json",
        "val_losses.npy",
    ]
    result, config = (json.loads((run / f"{name}.json").read_text()) for name in ("result", "config"))
    assert (result["best_vloss"], result["elapsed_min"]) == ast.literal_eval(done.stdout.split(" [")[0])
    for record in (result, config):
        assert record["comparable"] is False
        assert "shortened to 3 of 10001 iterations" in record["not_comparable_because"]
        assert "the data are not the contract's" in record["not_comparable_because"]
    assert result["full_vloss"] > 0 and result["full_vloss_se"] > 0 and result["peak_memory_bytes"] > 2**20
    assert config["contract"] == CONTRACT | CADENCE and config["persona"] == "aristotle" and config["seed"] == 7
    assert backend in config["sessions"][0]["versions"] and other not in config["sessions"][0]["versions"]
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line.get("step", "summary") for line in lines] == [0, "summary"]
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_absent_framework_is_one_sentence_with_the_command_to_install_it(tmp_path, backend):
    code = BLOCKER + f"import train_mps; sys.exit(train_mps.main(['--backend', {backend!r}]))"
    done = subprocess.run(
        [sys.executable, "-c", code, backend],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "is not installed" in done.stderr and f'pip install -e ".[{backend}]"' in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path, data_dir, tables_made_once, monkeypatch, backend):
    uninterrupted, parts = str(tmp_path / "uninterrupted"), str(tmp_path / "parts")
    common = dict(backend=backend, data_dir=data_dir, device="cpu", quiet=True)
    train_mps.train(**common, out=uninterrupted, steps=7)
    train_mps.train(**common, out=parts, steps=3)
    monkeypatch.setattr(personas, "prepare", None)  # the checkpoint's tables serve
    saved = checkpoint.read(Path(parts, checkpoint.FILE_NAME))[0]
    assert train_mps.main(["--resume", parts, "--steps", "7"]) == 0
    (header, arrays), (header_, arrays_) = (
        checkpoint.read(Path(run, checkpoint.FILE_NAME)) for run in (uninterrupted, parts)
    )
    assert {name: a.tobytes() for name, a in arrays.items()} == {name: a.tobytes() for name, a in arrays_.items()}
    untimed = [[line | {"seconds": 0} for line in h["history"]] for h in (header, header_)]
    assert untimed[0] == untimed[1] and len(untimed[0]) == 1
    results = [json.loads(Path(run, "result.json").read_text()) for run in (uninterrupted, parts)]
    for figure in ("best_vloss", "full_vloss", "full_vloss_se", "iterations"):
        assert results[0][figure] == results[1][figure]
    assert results[1]["elapsed_min"] > saved["seconds"] / 60  # the earlier session counts
    with pytest.raises(UserError, match="finished"):
        train_mps.train(**common, resume=parts, steps=7)
    for other, words in (
        (dict(seed=3), "its seed is 1337, not 3"),
        (dict(persona="baseline"), "its persona is aristotle, not baseline"),
        (dict(persona="euclid"), "its persona is aristotle, not euclid"),
        (dict(systems=("tokenize", "memory")), "its systems is"),
    ):
        with pytest.raises(UserError, match=words):
            train_mps.train(**common | other, resume=parts)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_begun_in_one_backend_continues_in_the_other(tmp_path, data_dir, tables_made_once, backend):
    """Two updates here and four there come close to six here: closer by far than a lost optimizer state would."""
    other = {"torch": "mlx", "mlx": "torch"}[backend]
    uninterrupted, parts = str(tmp_path / "uninterrupted"), str(tmp_path / "parts")
    train_mps.train(backend, data_dir=data_dir, device="cpu", out=uninterrupted, steps=6, quiet=True)
    train_mps.train(backend, data_dir=data_dir, device="cpu", out=parts, steps=2, quiet=True)
    assert train_mps.main(["--resume", parts, "--backend", other, "--steps", "6"]) == 0
    arrays, arrays_ = (checkpoint.read(Path(run, checkpoint.FILE_NAME))[1] for run in (uninterrupted, parts))
    assert arrays.keys() == arrays_.keys() and arrays["optimizer.step"] == arrays_["optimizer.step"] == 6
    start = train_mps_initial(data_dir)
    moved = sum(np.sum((arrays[f"model.{name}"] - value) ** 2, dtype=float) for name, value in start.items())
    apart = sum(np.sum((arrays[f"model.{name}"] - arrays_[f"model.{name}"]) ** 2, dtype=float) for name in start)
    assert apart**0.5 < 0.01 * moved**0.5
    config = json.loads(Path(parts, "config.json").read_text())
    assert [session["backend"] for session in config["sessions"]] == [backend, other]
    assert "run partly on mlx and partly on torch" in config["not_comparable_because"]


@pytest.mark.parametrize("backend", ["torch", pytest.param("mlx", marks=pytest.mark.slow)])
def test_ctrl_c_saves_and_says_how_to_resume(tmp_path, data_dir, backend):
    run = tmp_path / "run"
    command = [
        sys.executable,
        PROGRAM,
        "--backend",
        backend,
        "--persona",
        "baseline",
        "--data-dir",
        data_dir,
        "--out",
        run,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("iteration      0"):
            break
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and len(errors.splitlines()) == 1 and f"--resume {run}" in errors
    header, _ = checkpoint.read(run / checkpoint.FILE_NAME)
    assert header["request"]["backend"] == backend and 1 <= header["step"] < 200
    assert f"stopped after {header['step']} iterations" in errors
    assert not (run / "result.json").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on file sizes, which POSIX has")
def test_a_full_disk_at_the_checkpoint_is_one_sentence(tmp_path, data_dir):
    code = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
import train_mps
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
sys.exit(train_mps.main(["--backend", "torch", "--persona", "baseline", "--data-dir", {data_dir!r},
                         "--out", "run", "--steps", "1"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "cannot write the checkpoint" in done.stderr
    assert sorted(os.listdir(tmp_path / "run")) == ["config.json", "metrics.jsonl"]


BLOCKER = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""


def train_mps_initial(data_dir: str) -> dict[str, np.ndarray]:
    """The initial values of the default run on `data_dir`."""
    return personas.plan("aristotle", train_mps.FIXED, corpus.load(data_dir).train).initial(1337)


def _one_sentence(capsys) -> str:
    out, errors = capsys.readouterr()
    assert out == "" and errors.startswith("train_mps.py: ") and len(errors.splitlines()) == 1
    return errors
