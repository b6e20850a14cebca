"""A framework that is absent or does not load gets one sentence; a module of this project that does not load raises."""

from __future__ import annotations

import importlib

import pytest

from lyceum.contract import UserError
from lyceum.training import backends


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'mlx'", name="mlx"), "is not installed"),
        (ImportError("libmlx.so: cannot open shared object file", name="mlx.core"), "does not load .libmlx.so"),
    ],
)
def test_a_framework_that_does_not_import_is_a_sentence(monkeypatch, error, words):
    _fails_with(monkeypatch, error)
    with pytest.raises(UserError, match=words):
        backends.load("mlx")


def test_a_module_of_ours_that_does_not_import_is_a_bug_and_shows_as_one(monkeypatch):
    _fails_with(monkeypatch, ModuleNotFoundError("No module named 'mlx_impl.rope'", name="mlx_impl.rope"))
    with pytest.raises(ModuleNotFoundError):
        backends.load("mlx")


def test_the_line_about_the_device_says_why():
    assert "as asked" in backends.why("cpu", "cpu")
    assert "Apple's GPU" in backends.why("mps", None) and "Apple's GPU" in backends.why("metal", None)
    assert "no Apple GPU here" in backends.why("cuda", None)
    assert "neither" in backends.why("cpu", None)


def _fails_with(monkeypatch, error: ImportError) -> None:
    def fail(name):
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
