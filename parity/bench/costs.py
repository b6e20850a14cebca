"""What each case costs in either backend: the time of a forward and backward pass in float32, and the memory it holds.

The backends take turns (`parity.bench.meter`), so their ratio may be trusted further than the figures. Cases are small: what
they show is the cost of calling, not of arithmetic; for that there is `python -m parity bench`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from parity.bench import meter
from parity.compare.pair import Pair
from parity.compare.test_point import Point
from parity.compare.variants import BACKENDS, Variant

ROUNDS = 5


def costs(pair: Pair, point: Point) -> Iterator[dict]:
    """One record a backend: case, variant, seconds (median of ROUNDS), peak_bytes."""
    runs = {backend: partial(pair.probe, Variant(backend, "float32"), "gradient", point) for backend in BACKENDS}
    taken = meter.seconds(runs, ROUNDS)
    for backend, run in runs.items():
        variant = str(Variant(backend, "float32"))
        found = {
            "case": pair.name,
            "variant": variant,
            "seconds": taken[backend],
            "peak_bytes": meter.peak(backend, run),
        }
        yield {"record": "cost"} | found
