"""A run never overwrites another, and two that start together get different folders."""

from __future__ import annotations

import pytest

from lyceum.contract import UsageError
from lyceum.runs.checkpoint import FILE_NAME
from lyceum.training.request import Request


def request(**changes) -> Request:
    arguments = dict(
        backend="mlx", persona="toy", seed=7, data_dir=None, out=None, device=None, steps=None, resume=None
    )
    return Request(**(arguments | changes))


def test_an_existing_run_is_refused_and_resuming_suggested(tmp_path):
    (tmp_path / FILE_NAME).touch()
    with pytest.raises(UsageError, match=f"--resume {tmp_path}"):
        request(out=str(tmp_path)).folder()


def test_anything_else_that_exists_is_refused_but_an_empty_folder_is_fine(tmp_path):
    assert request(out=str(tmp_path)).folder().path == tmp_path
    file = tmp_path / "notes.txt"
    file.touch()
    for path in (file, tmp_path):
        with pytest.raises(UsageError, match="not an empty folder"):
            request(out=str(path)).folder()


def test_default_names_say_what_runs_and_do_not_collide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = []
    for _ in range(3):
        paths.append(request().folder().path)
        paths[-1].mkdir(parents=True)
    assert len(set(paths)) == 3 and all(path.name.startswith("toy-mlx-7-") for path in paths)
    assert not paths[0].is_absolute()
