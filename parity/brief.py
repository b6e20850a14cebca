"""One sentence for a mistake, without a page of this library's frames above it.

In a script: an uncaught UserError or ParityError is printed as one line (`sys.excepthook`); all others as ever. In a
notebook the classes' `_render_traceback_` does the same. In pytest, which reports by itself, the frames of a public
function are hidden, so that only the line of the test is shown; the plugin leaves out that as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import TracebackType

from lyceum.contract import UserError

LIBRARIES = ("site-packages", "dist-packages", str(Path(__file__).resolve().parent), "<frozen")


class ParityError(AssertionError):
    """The two implementations are not the same function; one line for each cause."""


MISTAKES = (UserError, ParityError)


def brief(function: Callable) -> Callable:
    """The same function, whose mistakes of the user come without the frames inside it."""

    @wraps(function)
    def public(*arguments, **options):
        __tracebackhide__ = True
        try:
            return function(*arguments, **options)
        except MISTAKES as error:
            raise error.with_traceback(None) from None

    return public


def line(error: BaseException) -> str:
    """A mistake as it is printed."""
    return f"{type(error).__name__}: {error}"


def install() -> None:
    """Print uncaught mistakes as one line from now on; once is enough."""
    if getattr(sys.excepthook, "brief", False):
        return
    previous = sys.excepthook

    def hook(error_type: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
        if isinstance(error, MISTAKES):
            print(line(error), file=sys.stderr)
        else:
            previous(error_type, error, frames)

    hook.brief = True
    sys.excepthook = hook
    for mistake in MISTAKES:
        mistake._render_traceback_ = lambda error, *_: [line(error)]


def origin(error: BaseException) -> str:
    """The line of the user's code that raised an error, such as " at my_port.py:12"; "" if it is in a library."""
    frames, where = error.__traceback__, ""
    while frames:
        path = frames.tb_frame.f_code.co_filename
        if not any(library in path for library in LIBRARIES):
            where = f" at {Path(path).name}:{frames.tb_lineno}"
        frames = frames.tb_next
    return where
