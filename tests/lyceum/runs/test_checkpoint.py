"""A checkpoint comes back bit for bit, or is refused in one sentence, and writing one never loses the one before."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from lyceum.runs import checkpoint, files
from parity.project.tiny_models import tiny_plan
from tests.support import toy_backend

HEADER = {"format": checkpoint.FORMAT, "step": 3}


def test_arrays_come_back_bit_for_bit(tmp_path):
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    arrays = {
        "transposed": matrix.T,
        "every other": np.arange(10)[::2],
        "scalar": np.int64(7),
        "special": np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324]),
        "half": np.array([1.5], np.float16),
        "empty": np.zeros((0, 4), np.uint32),
    }
    path = tmp_path / "c"
    checkpoint.write(path, HEADER, arrays)
    header, back = checkpoint.read(path)
    assert header == HEADER and back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == np.asarray(array).dtype and back[name].shape == np.shape(array)
        assert back[name].tobytes() == np.asarray(array).tobytes(), name


def test_numbers_in_the_header_come_back_exactly(tmp_path):
    losses = [0.1 + 0.2, 5e-324, 1 / 3]
    checkpoint.write(tmp_path / "c", HEADER | {"history": losses}, {})
    assert checkpoint.read(tmp_path / "c")[0]["history"] == losses


def test_a_missing_truncated_damaged_or_foreign_file_is_refused_in_one_sentence(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    checkpoint.write(good, HEADER, {"a": np.ones(100)})
    content = good.read_bytes()
    foreign = safetensors.numpy.save({"a": np.ones(3)})
    lengths = (0, 4, 8, 50, len(content) // 2, len(content) - 1)
    for damaged in [*(content[:length] for length in lengths), foreign, b"PK\3\4" * 100, content + b"more"]:
        bad.write_bytes(damaged)
        _refuses(bad)
    _refuses(tmp_path / "absent")
    _refuses(tmp_path)
    for number, words in (
        (1, "by an older version of this program (checkpoint format 1,"),
        (99, "format 99"),
        (None, "another"),
    ):
        checkpoint.write(bad, HEADER | {"format": number}, {})
        assert words in _refuses(bad)


def test_the_header_alone_is_that_of_the_file(tmp_path):
    checkpoint.write(tmp_path / "c", HEADER, {"a": np.ones(3)})
    assert checkpoint.read_header(tmp_path / "c") == HEADER
    with pytest.raises(checkpoint.CheckpointError, match="there is no checkpoint"):
        checkpoint.read_header(tmp_path / "absent")


def test_another_run_is_refused_by_its_first_difference(tmp_path):
    toy = toy_backend.job()
    wanted = checkpoint.identity(toy.fixed, toy.plan, toy.seed, toy.corpus)
    checkpoint.match(tmp_path, wanted | {"step": 4}, wanted)
    for change, words in (
        ({"seed": 6}, "its seed is 6, not 5"),
        ({"persona": "other"}, "its persona is other, not toy"),
        ({"contract": wanted["contract"] | {"n_embd": 64}}, "its contract.n_embd is 64, not 1"),
        ({"model": {"ids": 16}}, "its model.betas is None, not [0.9]"),
        ({"data": wanted["data"] | {"val": "0"}}, "its data.val is 0, not "),
    ):
        with pytest.raises(checkpoint.CheckpointError) as caught:
            checkpoint.match(tmp_path, wanted | change, wanted)
        assert words in str(caught.value)


def test_a_changed_hyperparameter_of_a_module_is_refused_by_its_name(tmp_path):
    """Not only what the contract and the recipe say: every number that a layer is built with."""
    plan = tiny_plan("aristotle", systems=("tokenize", "norm"))
    norm = plan.modules["norm"]
    changed = replace(plan, modules=plan.modules | {"norm": replace(norm, tiny=2 * norm.tiny)})
    wanted, header = ({"model": json.loads(json.dumps(one.describe()))} for one in (plan, changed))
    with pytest.raises(checkpoint.CheckpointError) as caught:
        checkpoint.match(tmp_path, header, wanted)
    assert f"its model.modules.norm.tiny is {2 * norm.tiny}, not {norm.tiny};" in str(caught.value)


@pytest.mark.parametrize(
    ("there", "here", "words"),
    [
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 3}], "its x[1].a is 2, not 3"),
        ([1], [1, 2], "its x is [1], not [1, 2]"),
        ({"a": None}, {"a": list(range(99))}, "its x.a is None, not [0, 1, 2"),
        ({"a": [{"b": 1.5}]}, {"a": [{"b": 1.5}]}, None),
    ],
)
def test_a_difference_is_named_in_one_short_sentence(there, here, words):
    sentence = checkpoint.difference("x", there, here)
    assert sentence is None if words is None else sentence.startswith(words) and len(sentence) < 200


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full, which Linux has")
def test_a_full_disk_leaves_the_previous_checkpoint_and_no_rubbish(tmp_path):
    path = tmp_path / "c"
    checkpoint.write(path, HEADER, {"a": np.ones(3)})
    before = path.read_bytes()
    files.temporary(path).symlink_to("/dev/full")
    with pytest.raises(checkpoint.CheckpointError, match="No space left"):
        checkpoint.write(path, HEADER, {"a": np.zeros(100_000)})
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["c"]
    checkpoint.write(path, HEADER, {"a": np.zeros(100_000)})


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_refusal_at_any_stage_leaves_the_previous_checkpoint(tmp_path, monkeypatch, call):
    path = tmp_path / "c"
    checkpoint.write(path, HEADER, {"a": np.ones(3)})
    before = path.read_bytes()

    def refuse(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(checkpoint.CheckpointError, match="No space left"):
        checkpoint.write(path, HEADER, {"a": np.zeros(3)})
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["c"]


KILL = """
import os, signal, sys
from pathlib import Path
import numpy as np
from tests.support import toy_backend
from lyceum.runs import checkpoint

def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

stage, path = sys.argv[1], Path(sys.argv[2])
if stage == "folder":  # the rename is done, the folder's fsync is not
    checkpoint.files._sync_folder = die
elif stage == "middle":  # half the bytes are out
    class Half:
        def __init__(self, file): self.file = file
        def __enter__(self): return self
        def __exit__(self, *exception): self.file.close()
        def write(self, data): self.file.write(data[: len(data) // 2]); self.file.flush(); die()
    checkpoint.files.open = lambda *arguments: Half(open(*arguments))
else:
    setattr(os, stage, die)
checkpoint.write(path, {"format": checkpoint.FORMAT, "step": 2}, {"a": np.zeros(100_000)})
"""


@pytest.mark.parametrize("stage", ["middle", "fsync", "replace", "folder"])
def test_a_kill_at_any_stage_leaves_a_complete_checkpoint(tmp_path, stage):
    path = tmp_path / "c"
    checkpoint.write(path, {"format": checkpoint.FORMAT, "step": 1}, {"a": np.ones(100_000)})
    done = subprocess.run([sys.executable, "-c", KILL, stage, path], env=os.environ | {"PYTHONPATH": _here()})
    assert done.returncode == -signal.SIGKILL
    header, arrays = checkpoint.read(path)
    assert (header["step"], arrays["a"][0]) == ((2, 0) if stage == "folder" else (1, 1))
    checkpoint.write(path, {"format": checkpoint.FORMAT, "step": 3}, {})
    assert os.listdir(tmp_path) == ["c"]


def _here() -> str:
    return os.pathsep.join([str(Path(__file__).parent), str(toy_backend.ROOT)])


def _refuses(path: Path) -> str:
    with pytest.raises(checkpoint.CheckpointError) as caught:
        checkpoint.read(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message
