"""What Euclid sees in a text: pieces of the stream, what they give to the logits, angles, the nearest contexts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lyceum.personas.euclid.interpret.nearest import nearest
from lyceum.personas.lens.heat_map import HeatMap, Reading

PAIRS, CONTEXTS = 10, 12  # how many pairs of planes, and contexts, are listed


def heat_maps(spec: Any, reading: Reading) -> tuple[HeatMap, ...]:
    """spec: the lens, `lyceum.personas.euclid.interpret.Perpendiculars`."""
    angled = angles(spec, reading) if any(i > spec.writers()[0][0] for i, _ in spec.readers()) else ()
    remembered = contexts(spec, reading) if "evidence" in spec.modules else ()
    return *pieces(spec, reading), *logits(spec, reading), *angled, *remembered


def pieces(spec: Any, reading: Reading) -> Iterator[HeatMap]:
    """What each layer wrote in the directions opened so far, and the shares of the pieces over the text."""
    coordinates = reading.call("coordinates", reading.ids)[0].astype(np.float64)
    along, sites = coordinates.sum(-1), spec.sites()
    here = coordinates[reading.at].T
    yield HeatMap(
        "What each layer added",
        f"At “{reading.read[reading.at]}”. A row is what a layer wrote, taken apart at right angles: along the "
        "directions that layers before it opened, and last along a new one. Below 0 it takes back what "
        "was written there. Squares of a row add up to its squared length, by Pythagoras; the last row, the sum of "
        "the others, is the stream.",
        (*sites, "stream"),
        sites,
        np.concatenate([np.where(np.tri(len(here)), here, np.nan), here.sum(0, keepdims=True)]),
        unit="",
    )
    squares = along**2
    yield HeatMap(
        "The direction of the stream",
        "The share of each direction in the squared length of the stream, at every token; columns add up to 1. A norm "
        "reads the direction of the stream and not its length, so shares count and lengths do not.",
        sites,
        reading.read,
        (squares / squares.sum(-1, keepdims=True)).T,
        unit="of the square",
        signed=False,
        tokens=True,
        full=1.0,
    )


def logits(spec: Any, reading: Reading) -> Iterator[HeatMap]:
    """What each piece gives to the logits at the position, and at every position."""
    values = reading.call("contributions", reading.ids, reading.targets)[0].astype(np.float64)
    error = np.abs(values.sum(1) - reading.call("logits", reading.ids, reading.targets)[0]).max()
    levels, rows = spec.modules["vocabulary"].LOGITS, (*spec.sites(), "base rate")
    here, columns = values[reading.at], levels
    if len(levels) > 1:
        here, columns = np.concatenate([here, here.sum(-1, keepdims=True)], -1), (*levels, "sum")
    yield HeatMap(
        f"What gave “{reading.expected[reading.at]}” its logit",
        "What the stream has along each of these directions, whoever wrote it, and what that gives to the logit of "
        "this token, with the scale of the final norm frozen. As directions are perpendicular, nothing is counted "
        "twice, and nothing cancels unseen. The last row is the sum; at every position it is that of the forward pass "
        f"to within {error:.1g}. The base rate is a constant of the token.",
        (*rows, "logit"),
        columns,
        np.concatenate([here, here.sum(0, keepdims=True)]),
        full=float(np.abs(here[:-1]).max()),
    )
    total = values.sum(-1).T
    yield HeatMap(
        "What gave every token its logit",
        "The same for each token of the text. A column is the token whose logit it is.",
        rows,
        reading.expected,
        total,
        full=float(np.abs(total[:-1]).max()),
        tokens=True,
    )


def angles(spec: Any, reading: Reading) -> Iterator[HeatMap]:
    """How much heads read of what heads of earlier blocks wrote, and the angles of the planes that are closest."""
    singular = np.linalg.svd(reading.call("cosines").astype(np.float64), compute_uv=False)  # (R, W, w)
    readers, writers = spec.readers(), spec.writers()
    later = np.array([[writer < reader for writer, _ in writers] for reader, _ in readers])
    shares = np.where(later, (singular**2).mean(-1), np.nan)
    rows, columns = later.any(1), later.any(0)
    width = singular.shape[-1]
    random = width / spec.modules["norm"].n_embd
    yield HeatMap(
        "What heads read of heads",
        "How much of the plane that an earlier head writes (a column) lies in the plane that a head reads (a row): the "
        f"mean squared cosine of their {width} principal angles, less the {random:.2g} of planes at random. It is of "
        "the weights alone, whatever the text.",
        tuple(name for (_, name), used in zip(readers, rows, strict=True) if used),
        tuple(name for (_, name), used in zip(writers, columns, strict=True) if used),
        shares[rows][:, columns] - random,
        unit="of the plane",
    )
    closest = np.argsort(-np.where(later, shares, -1).ravel(), kind="stable")[: min(PAIRS, later.sum())]
    pairs = [divmod(int(i), len(writers)) for i in closest]
    yield HeatMap(
        "The planes that lie closest",
        "The principal angles of the pairs of the map above that share most, in degrees, the least first. At 0 a "
        "direction is read as it is written, at 90 it is not seen.",
        tuple(f"{writers[writer][1]} → {readers[reader][1]}" for reader, writer in pairs),
        tuple(f"angle {i + 1}" for i in range(width)),
        np.stack([np.degrees(np.arccos(np.minimum(singular[pair], 1))) for pair in pairs]),
        unit="degrees",
        signed=False,
        full=90.0,
    )


def contexts(spec: Any, reading: Reading) -> Iterator[HeatMap]:
    """The contexts that the memory finds nearest at the position."""
    evidence = spec.modules["evidence"]
    near = nearest(evidence, reading.ids[0, : reading.at + 1], CONTEXTS)
    if not near:
        return
    squares = np.stack([each.squares for each in near]) / evidence.rule.scale
    latest = reading.read[reading.at :: -1]
    lags = [f"lag {i + 1}" + (f", {latest[i]}" if i < len(latest) else "") for i in range(squares.shape[1])]
    yield HeatMap(
        "The nearest contexts",
        "Where the training text was nearest to this one, and what followed there. A cell is the squared distance in "
        "one lag, in the unit of the votes: 0 where the token is the same, less for a kindred one. Lags are "
        "perpendicular, so the last column is the sum; a neighbour's vote by the ruler b is exp(-b sum).",
        tuple(_named(reading, each) for each in near),
        (*lags, "sum"),
        np.concatenate([squares, squares.sum(1, keepdims=True)], 1),
        unit="",
        signed=False,
    )


def _named(reading: Reading, neighbour: Any) -> str:
    """A neighbour as text: its context, what followed, and how often."""
    context = "".join(reading.shown(neighbour.context[neighbour.context >= 0][::-1]))
    times = f" × {neighbour.count}" if neighbour.count > 1 else ""
    return f"{context} → {''.join(reading.shown(np.array([neighbour.target])))}{times}"
