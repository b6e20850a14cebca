"""A framework that is absent or broken is the user's to mend; a broken module of ours is not."""

from __future__ import annotations

import importlib

import pytest

from training import wing
from training.contract import UserError


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
        wing.load("mlx")


def test_a_module_of_ours_that_does_not_import_is_a_bug_and_shows_as_one(monkeypatch):
    _fails_with(monkeypatch, ModuleNotFoundError("No module named 'mlx_impl.rope'", name="mlx_impl.rope"))
    with pytest.raises(ModuleNotFoundError):
        wing.load("mlx")


def test_the_line_about_the_device_says_why():
    assert "as asked" in wing.why("cpu", "cpu")
    assert "Apple's GPU" in wing.why("mps", None) and "Apple's GPU" in wing.why("metal", None)
    assert "no Apple GPU here" in wing.why("cuda", None)
    assert "neither" in wing.why("cpu", None)


def _fails_with(monkeypatch, error: ImportError) -> None:
    def fail(name):
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
