"""Who is to blame? Of the calls that fail, those whose difference is not made good by what surrounds them.

    the call around it passes                     moved: both do the same work, in different submodules
    the call around it fails                      `between` tells: guilty, moved or unclear
    the call around it was moved                  moved, if its outputs differ; else what surrounds that one tells
    it fails backward only                        guilty, if the call around it fails as well

An unclear one differs, and what surrounds it goes wrong whichever output it is given: then the surrounding call, which
comes later, is named. Without a call that tells, a failed one is guilty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from parity.compare.pair import Pair
from parity.localize.between import between, blamed
from parity.localize.call_results import VARIANTS, call_result, compare_call, pair_of
from parity.localize.calls import ROOT, Key
from parity.localize.matched_calls import MatchedCalls
from parity.results.localization import CallResult
from parity.sides.test_point import Point
from parity.sides.variants import Variant


class Results:
    """The results of matched calls by key, each computed when it is first asked for; the last is that of the models.

    oracle: whether PyTorch's gradient and the float64 bounds of every call are in question, else of the models alone.
    """

    def __init__(
        self,
        models: Pair,
        point: Point,
        calls: Iterable[MatchedCalls],
        chosen: tuple[Variant, ...] = VARIANTS,
        oracle: bool = False,
    ):
        self.models, self.point, self.chosen, self.oracle = models, point, chosen, oracle
        self.calls = {matched.mlx.key: matched for matched in calls}
        self._compared: dict[Key, CallResult] = {}
        self._by_parent: dict[Key, dict[Key, str]] = {}

    def __iter__(self) -> Iterator[CallResult]:
        for key in (*self.calls, ROOT.key):
            result = self.compared(key)
            yield replace(result, innocent=self.innocent(key)) if result.failed_stage else result

    def compared(self, key: Key) -> CallResult:
        """The result of one call, whoever is to blame."""
        if key not in self._compared:
            if key == ROOT.key:
                result = compare_call(ROOT, self.models, self.point, (), self.chosen, oracle=True)
            else:
                result = call_result(self.models, self.point, self.calls[key], self.chosen, self.oracle)
            self._compared[key] = result
        return self._compared[key]

    def around(self, key: Key) -> Key:
        """The innermost compared call during which a call was made."""
        inside = reversed(self.calls[key].mlx.inside)
        return next((k for k in inside if k in self.calls and not self.calls[k].reason), ROOT.key)

    def innocent(self, key: Key) -> str:
        """Of a failed call: "" if it is to blame, else "moved" or "unclear"."""
        if key == ROOT.key:
            return ""
        around, stage = self.around(key), self.compared(key).failed_stage
        if stage == "forward" and self._moved(around):
            return "moved"
        while self._moved(around):  # its outputs are right for what surrounds it; whose gradients tell?
            around = self.around(around)
        if self.compared(around).failed_stage is None:
            return "moved"
        if stage != "forward":
            return ""
        if self.compared(around).failed_stage != "forward":
            return "moved"
        word = self.by_parent(around).get(key, "guilty")
        return "" if word == "guilty" else word

    def _moved(self, key: Key) -> bool:
        return self.compared(key).failed_stage is not None and self.innocent(key) == "moved"

    def by_parent(self, around: Key) -> dict[Key, str]:
        """What `between` says of the failed children of a failed call."""
        if around not in self._by_parent:
            children = [k for k, matched in self.calls.items() if not matched.reason and self.around(k) == around]
            failed = [i for i, k in enumerate(children) if self.compared(k).failed_stage == "forward"]
            pair = (self.models, self.point)
            if around != ROOT.key:
                pair = pair_of(self.models, self.point, self.calls[around])
            try:
                words = blamed(*between(self.models, *pair, [self.calls[k] for k in children]), failed)
            except (RuntimeError, ValueError, TypeError, NotImplementedError, KeyError):
                words = {}  # the parent does not run without its children: nothing tells
            self._by_parent[around] = {children[i]: word for i, word in words.items()}
        return self._by_parent[around]


def call_results(
    models: Pair, point: Point, calls: Iterable[MatchedCalls], chosen: tuple[Variant, ...] = VARIANTS
) -> Iterator[CallResult]:
    """The result of each call, computed when it is asked for; the last one is that of the models as they are used."""
    return iter(Results(models, point, calls, chosen))
