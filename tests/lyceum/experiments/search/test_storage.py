"""The journal file survives workers that die while they write, and processes that ask for the split at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import optuna

from lyceum import corpus
from lyceum.experiments import runs
from lyceum.experiments.search import storage
from lyceum.experiments.search.storage import JOURNAL, open_storage


def names(opened) -> list[str]:
    return sorted(study.study_name for study in opened.get_all_studies())


def test_a_line_that_was_cut_off_is_dropped(tmp_path):
    optuna.create_study(study_name="one", storage=open_storage(None, tmp_path))
    lines = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).write_bytes(lines + lines[: len(lines) // 2].rstrip(b"\n"))
    opened = open_storage(None, tmp_path)
    optuna.create_study(study_name="other", storage=opened)
    assert names(opened) == names(open_storage(None, tmp_path)) == ["one", "other"]


def test_a_lock_that_a_dead_worker_left_is_removed(tmp_path, monkeypatch):
    """Also if the folder is given relative to the present one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(storage, "GRACE", 3)
    folder = (tmp_path / "study").relative_to(tmp_path)
    opened = open_storage(None, folder)
    opened._backend.lock.acquire()
    optuna.create_study(study_name="one", storage=opened)
    assert names(opened) == ["one"]


def test_a_journal_that_is_empty_is_complete(tmp_path):
    assert names(open_storage(None, tmp_path)) == []


def test_many_may_ask_for_the_development_split_at_once(tmp_path):
    for name in ("train.bin", "val.bin"):
        np.arange(1000, dtype="<u2").tofile(tmp_path / name)
    out = tmp_path / "out"
    with ThreadPoolExecutor(8) as pool:
        folders = [*pool.map(lambda _: runs.development_split(out, str(tmp_path)), range(16))]
    text = corpus.load(folders[0])
    assert {*folders} == {str(out / "development-split")} and [*out.iterdir()] == [out / "development-split"]
    assert len(text.train) == 900 and np.array_equal(np.concatenate([text.train, text.val]), np.arange(1000))
