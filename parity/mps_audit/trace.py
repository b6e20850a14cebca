"""The operators of one run."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Trace:
    """names: of the operators or primitives, in order. flaws: {what: why it fails}."""

    names: dict[str, None] = field(default_factory=dict)
    flaws: dict[str, str] = field(default_factory=dict)
