r"""What a comparison leaves out on purpose: parameters, buffers and outputs of either side, each for a stated reason.

    ignore={"rope.freqs": "PyTorch computes this table", r"output 1": "MLX returns no attention weights"}

A key is a name, or a regular expression for a full name, of either side. A parameter or buffer that is ignored has the
value that its module gives it, takes part in no map of names, and its gradient is not compared. Where one output is
left on a side, it is "output". Every report lists what was ignored, and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lyceum.contract import UsageError
from parity.mapping.misfits import nearest
from parity.results.verdict import Verdict, limited

EXAMPLE = 'a dictionary such as {"output 1": "MLX returns no attention weights"}'


class Ignored:
    """rules: {name or pattern: reason}. Raises UsageError for anything else, and for a reason that is empty."""

    def __init__(self, rules: Mapping[str, str] | None = None):
        if not isinstance(rules, Mapping | None):
            raise UsageError(f"ignore is {rules!r}: give {EXAMPLE}.")
        self.rules = dict(rules or {})
        for pattern, reason in self.rules.items():
            if not isinstance(pattern, str) or not isinstance(reason, str) or not reason.strip():
                raise UsageError(f"ignore has {pattern!r}: {reason!r}, which states no reason: give {EXAMPLE}.")
            try:
                re.compile(pattern)
            except re.error as error:
                raise UsageError(f"ignore has {pattern!r}, which is not a regular expression: {error}.") from error
        self.reasons: dict[tuple[str, str], str] = {}  # (such as "PyTorch's buffer", name) -> reason
        self._known: set[str] = set()
        self._used: set[str] = set()

    def among(self, what: str, names: Iterable[str]) -> frozenset[str]:
        """Those of the names that are ignored. what: whose they are, such as "MLX's parameter", for the report."""
        names = tuple(names)
        self._known.update(names)
        chosen = {}
        for name in names:
            for pattern, reason in self.rules.items():
                if name == pattern or re.fullmatch(pattern, name):
                    self._used.add(pattern)
                    chosen.setdefault(name, reason)
        self.reasons |= {(what, name): reason for name, reason in chosen.items()}
        return frozenset(chosen)

    def outputs(self, side: str, named: dict[str, Any]) -> dict[str, Any]:
        """The outputs by name without those that are ignored; if one is left of several, it is "output"."""
        if not self.rules:
            return named
        ignored = self.among(f"{side}'s", named)
        left = {name: y for name, y in named.items() if name not in ignored}
        return dict(zip(["output"], left.values(), strict=True)) if ignored and len(left) == 1 else left

    def require_use(self, of_outputs: bool) -> None:
        """Raise UsageError if a key fits nothing. of_outputs: whether outputs have been seen; else they may follow."""
        for pattern in self.rules.keys() - self._used:
            if of_outputs or not pattern.startswith("output"):
                close = nearest(pattern, self._known)
                raise UsageError(f"ignore names {pattern!r}, and neither side has anything of that name{close}.")

    def verdicts(self, case: str) -> tuple[Verdict, ...]:
        """What was ignored and why, as comparisons that were not made."""
        return tuple(limited(case, "ignored", f"{what} {name}", why) for (what, name), why in self.reasons.items())
