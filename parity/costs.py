"""What each case costs in either wing: the time of a forward and backward pass in float32, and the memory it holds.

The wings take turns (`parity.meter`), so their ratio may be trusted further than the figures. Cases are small: what
they show is the cost of calling, not of arithmetic; for that there is `python -m parity bench`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from parity import meter
from parity.legs import WINGS, Leg
from parity.pair import Pair
from parity.problem import Problem

ROUNDS = 5


def costs(pair: Pair, problem: Problem) -> Iterator[dict]:
    """One record a wing: case, leg, seconds (median of ROUNDS), peak_bytes."""
    runs = {wing: partial(pair.probe, Leg(wing, "float32"), "gradient", problem) for wing in WINGS}
    taken = meter.seconds(runs, ROUNDS)
    for wing, run in runs.items():
        leg = str(Leg(wing, "float32"))
        found = {"case": pair.name, "leg": leg, "seconds": taken[wing], "peak_bytes": meter.peak(wing, run)}
        yield {"record": "cost"} | found
