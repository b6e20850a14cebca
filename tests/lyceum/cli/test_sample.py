"""`lyceum sample`: any text is continued, by either backend alike; a mistake is one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

import train_mps
from lyceum.cli import main
from lyceum.runs import checkpoint

ROOT = os.path.dirname(train_mps.__file__)


def written(capsys, run, *arguments: str) -> tuple[str, str]:
    """(the text, the line about it)."""
    assert main(["sample", str(run), *arguments, "--device", "cpu"]) == 0
    return capsys.readouterr()


@pytest.mark.parametrize("text", ["ROMEO:", "Ünïcödé 漢字 🙂", " ", "a" * 1000])
def test_any_text_is_continued(run, capsys, text):
    out, errors = written(capsys, run, text, "--tokens", "3")
    assert out.startswith(text) and out.endswith("\n") and len(out) > len(text) + 1
    assert errors.startswith("3 tokens; ") and errors.count("\n") == 1


def test_both_backends_write_the_same(run, capsys):
    flags = ["--sampler", "plain", "--top-k", "40", "--tokens", "12", "--seed", "3"]
    texts = {written(capsys, run, "Now", "--backend", backend, *flags)[0] for backend in ("torch", "mlx")}
    assert len(texts) == 1


def test_several_continuations(run, capsys):
    """More than are written at once, each under its number; the first is the one that is written alone."""
    flags = ["--tokens", "2", "--sampler", "golden", "--top-k", "9"]
    out, errors = written(capsys, run, "x", "--continuations", "18", *flags)
    assert all(f"=== {i + 1} of 18 ===\nx" in out for i in range(18))
    assert errors.startswith("18 continuations, ") and " of them distinct; 36 tokens; " in errors
    assert out.startswith("=== 1 of 18 ===\n" + written(capsys, run, "x", *flags)[0])


def test_a_bare_number_counts_and_a_number_can_be_a_prompt(run, capsys):
    for arguments, beginnings in (
        (["2"], ["=== 1 of 2 ===\n\n", "\n=== 2 of 2 ===\n\n"]),
        (["2", "--continuations", "1"], ["2"]),
    ):
        out, _ = written(capsys, run, *arguments, "--tokens", "1")
        assert out.startswith(beginnings[0]) and all(words in out for words in beginnings)


def test_a_prompt_may_begin_with_a_dash(run, capsys):
    assert main(["sample", "--tokens", "1", "--device", "cpu", str(run), "--", "-2"]) == 0
    assert capsys.readouterr().out.startswith("-2")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["x", "--tokens", "-1"], 2, "--tokens must be from 0 to 1,000,000, got -1"),
        (["x", "--tau", "nan"], 2, "tau"),
        (["x", "--temperature", "1", "--alpha", "0"], 2, "--temperature and --alpha are of two samplers"),
        (["x", "--device", "metal"], 2, "torch has no device 'metal'"),
        (["x", "--device", "cuda"], 2, "cuda"),
        ([""], 2, "the prompt is empty"),
    ],
)
def test_a_mistake_gets_one_sentence(run, capsys, arguments, status, words):
    assert main(["sample", str(run), *arguments]) == status
    out, errors = capsys.readouterr()
    assert out == "" and words in errors and errors.startswith("lyceum: ") and errors.count("\n") == 1


def test_a_folder_without_a_checkpoint(tmp_path, capsys):
    assert main(["sample", str(tmp_path), "x"]) == 1
    assert f"{tmp_path} has no checkpoint" in capsys.readouterr().err


def test_checkpoints_that_cannot_write(run, capsys, tmp_path):
    """Damaged, foreign, of another contract, persona or version, or with parameters missing, reshaped or NaN."""
    path = tmp_path / checkpoint.FILE_NAME
    header, arrays = checkpoint.read(run / checkpoint.FILE_NAME)
    content = (run / checkpoint.FILE_NAME).read_bytes()
    weight = "model.norm.weight"
    without = {name: x for name, x in arrays.items() if name != weight}

    def saved(header, arrays):
        return safetensors.numpy.save(arrays, metadata={checkpoint.ENTRY: json.dumps(header)})

    def model(**changes):
        return header | {"model": header["model"] | changes}

    for damaged, words in (
        (content[: len(content) // 2], "is damaged"),
        (safetensors.numpy.save({"a": np.ones(3)}), "was not written by this program"),
        (b"", "is damaged"),
        (saved(header | {"format": 99}, arrays), "format 99"),
        (saved({"format": checkpoint.FORMAT}, arrays), "is not of a model of this program"),
        (saved(header | {"persona": "plato"}, arrays), "plato"),
        (saved(header | {"persona": "aristotle"}, arrays), "its model.persona is baseline, not aristotle"),
        (saved(model(systems=["plato"]), arrays), "its model.systems is ['plato'], not []"),
        (saved(model(fixed={"n_embd": 64}), arrays), "its model.fixed.n_embd is 64"),
        (saved(header, without), "norm.weight"),
        (saved(header, without | {weight: np.ones(7, np.float32)}), "norm.weight has shape"),
        (saved(header, without | {weight: np.full(32, np.nan, np.float32)}), "answers NaN"),
    ):
        path.write_bytes(damaged)
        assert main(["sample", str(tmp_path), "x", "--device", "cpu"]) == 1
        errors = capsys.readouterr().err
        assert words in errors and errors.count("\n") == 1 and errors.startswith("lyceum: "), words


def test_bytes_that_are_no_text_come_as_one_sentence_from_the_shell(run):
    command = [sys.executable, "-m", "lyceum", "sample", str(run), b"\xff\xfe"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 2 and "not UTF-8" in done.stderr and done.stderr.count("\n") == 1


def test_a_reader_that_leaves_is_no_error(run):
    """As in `... | head -c 1`."""
    command = [sys.executable, "-m", "lyceum", "sample", str(run), "x", "--device", "cpu"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    process.stdout.read(1)
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait() in (0, 1) and errors == ""
