"""Ctrl-C and SIGTERM that wait for the end of an iteration.

An exception in the middle of an update would leave parameters of two different iterations behind, and nothing worth
saving. So the first SIGINT or SIGTERM only leaves a note, which the loop reads between iterations; and it puts the old
handlers back, so that a second one stops the program at once if the user cannot wait. The evaluation after the last
iteration, whose state is saved, is cut off at once.
"""

from __future__ import annotations

import signal
import threading


class Interrupted(KeyboardInterrupt):
    """The run was stopped by a signal, in good order; the message says how to resume it.

    exit_status: 128 + the signal's number, by the shell's convention (130 for Ctrl-C).
    """

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.exit_status = 128 + signal_number


class StopNote:
    """A context in which SIGINT and SIGTERM set `.signal` to their number; None means go on.

    Outside the main thread, where Python allows no handlers, signals are left to the program around it.
    """

    def __init__(self):
        self.signal: int | None = None
        self._previous: dict[int, object] = {}

    def __enter__(self) -> StopNote:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._take_note)
        return self

    def __exit__(self, *exception) -> None:
        while self._previous:
            signal.signal(*self._previous.popitem())

    def _take_note(self, number: int, frame: object) -> None:
        self.signal = number
        self.__exit__()


class StopAtOnce(StopNote):
    """The same, for work that can be cut off anywhere: the first signal also raises KeyboardInterrupt."""

    def _take_note(self, number: int, frame: object) -> None:
        super()._take_note(number, frame)
        raise KeyboardInterrupt
