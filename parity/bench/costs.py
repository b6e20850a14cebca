"""What each case costs in either backend: the time of a forward and backward pass in float32, and its peak memory.

The backends take turns (`parity.bench.meter`), so their ratio is more reliable than the figures. Cases are tiny: they
show the cost of calling, not of arithmetic; for that there is `python -m parity bench`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from parity.bench import meter
from parity.compare.pair import Pair
from parity.results.records import Cost
from parity.sides.test_point import Point
from parity.sides.variants import BACKENDS, Variant

ROUNDS = 5


def costs(pair: Pair, point: Point) -> Iterator[Cost]:
    """The cost in each backend; the seconds are the median of ROUNDS."""
    variants = {backend: Variant(backend, "float32") for backend in BACKENDS}
    runs = {backend: partial(pair.evaluate, variants[backend], "gradient", point) for backend in BACKENDS}
    seconds = meter.seconds(runs, ROUNDS)
    for backend, run in runs.items():
        yield Cost(pair.name, str(variants[backend]), seconds[backend], meter.peak(backend, run))
