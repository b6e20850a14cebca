"""The proof that the harness raises no false alarms: a backend rewritten without changing what it computes passes.

A harness that fails everything would catch every fault of `faults`. So the opposite of a fault is planted by the same
means: a change that a careful person may well make, and that is an equality in exact arithmetic (`rewrite_records`,
each with its reason). Only the rounding differs, and rounding is what the bounds of `parity.bounds.rounding` grant. A
rewrite that is flagged refutes a bound; the answer is a better model of rounding, never a greater margin.

Harmless means more than equal in exact arithmetic: a rewrite must also lose no more digits than the problem itself
does. The variance as E[x^2] - E[x]^2 is equal, yet with m = mean / deviation its relative error is about (1 + m^2) u,
while the layer, as a function of its input, multiplies relative errors by m alone. Far from zero it must be flagged, so
it is no record here (`tests/parity/mutation/test_rewrites.py` plants it).

All verdicts count, of either backend. PyTorch's float64 run is the oracle, and its operations are those that are
rounded at random, so a rewrite of the PyTorch backend also moves the bounds of the unchanged MLX backend.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from parity.mutation.checks import checks
from parity.mutation.planting import PACKAGES
from parity.mutation.rewrite_records import REWRITES, Rewrite
from parity.results.verdict import Verdict

PLANTED = tuple((rewrite, backend) for backend in PACKAGES for rewrite in REWRITES if getattr(rewrite, backend))


@dataclass(frozen=True)
class Outcome:
    """A rewrite planted in a backend, and the first failed verdict, None if all passed, as they should."""

    rewrite: Rewrite
    backend: str
    verdict: Verdict | None

    @property
    def edit(self) -> Rewrite:
        return self.rewrite

    @property
    def flagged(self) -> bool:
        return self.verdict is not None

    def record(self) -> dict:
        """For a line of JSON."""
        return {"record": "rewrite", "flagged": self.flagged} | asdict(self)


def first_failure(rewrite: Rewrite, backend: str, seeds: Iterable[int]) -> Verdict | None:
    """The first failed verdict of the checks that concern the rewrite, on any variant; None if all pass."""
    with rewrite.planted(backend):
        verdicts = (verdict for seed in seeds for verdict in checks(rewrite.check, seed))
        return next((verdict for verdict in verdicts if not verdict.ok), None)


def run(seeds: Iterable[int] = range(1)) -> Iterator[Outcome]:
    """Plant every rewrite, in turn."""
    for rewrite, backend in PLANTED:
        yield Outcome(rewrite, backend, first_failure(rewrite, backend, seeds))
