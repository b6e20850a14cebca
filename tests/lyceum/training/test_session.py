"""A session's end: a signal during the evaluation after the last iteration."""

from __future__ import annotations

import os
import signal
import time
from types import SimpleNamespace

import pytest

from lyceum.runs.folder import RunFolder
from lyceum.training import session
from lyceum.training.signals import Interrupted


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_the_last_evaluation_says_how_to_resume(tmp_path, monkeypatch, number, status):
    def slow(*_):
        os.kill(os.getpid(), number)
        time.sleep(10)

    monkeypatch.setattr(session, "finish", slow)
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=f"stopped after 300 iterations and saved.*--resume {tmp_path}") as stop:
        session._finished(None, None, RunFolder(tmp_path), SimpleNamespace(step=300), None)
    assert stop.value.exit_status == status and signal.getsignal(number) is before
