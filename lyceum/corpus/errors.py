"""The one exception of this package, in a separate module so that every other module can raise it."""

from __future__ import annotations


class CorpusError(ValueError):
    """The training text cannot be had or is not usable; the message is one sentence that says what to do."""
