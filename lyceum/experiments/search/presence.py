"""Who is at work: a worker's beats, and which running trial has lost its worker.

A worker writes who it is and a count of beats into its trial. A trial whose count has stood still for as long as the
watcher's patience, by the clock of the watcher, has lost its worker: so clocks need not agree, and any storage will do.
On the machine of the worker a look at the process suffices, at once.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from optuna.trial import FrozenTrial

LOG = logging.getLogger(__name__)
WORKER = "worker"  # attribute of a trial
BEATS = 4  # within a watcher's patience


def this_machine() -> str:
    """A name of the machine that two of one host name do not share."""
    return f"{socket.gethostname()}-{uuid.getnode():012x}"


@contextmanager
def at_work(write: Callable[[dict], None], patience: float) -> Iterator[None]:
    """Beats for as long as the context lasts. write: puts the attribute into the trial."""
    end, who = threading.Event(), {"machine": this_machine(), "process": os.getpid()}

    def beat() -> None:
        count = 0
        while not end.wait(patience / BEATS):
            count += 1
            try:
                write(who | {"beats": count})
            except Exception as error:  # the next beat may get through; who is not heard loses the trial
                LOG.debug("a beat was lost: %s", error)

    write(who | {"beats": 0})
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


class Watch:
    """What a watcher has seen of the running trials. patience: seconds without a beat."""

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic):
        self.patience = patience
        self.clock = clock
        self._seen: dict[int, tuple[dict, float]] = {}

    def deserted(self, trial: FrozenTrial) -> bool:
        """Whether a running trial has lost its worker, as far as can be seen by now."""
        worker, now = trial.user_attrs.get(WORKER, {}), self.clock()
        if worker.get("machine") == this_machine() and not _runs(worker["process"]):
            return True
        last, since = self._seen.get(trial.number, (None, now))
        if worker != last:
            since = now
        self._seen[trial.number] = worker, since
        return now - since > self.patience


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True
