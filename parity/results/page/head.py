"""The head of a report: the sentence over the page, one claim for each kind of record, and where the figures come from.

The sentence must not hide anything: it states the first claim, and besides every other one that does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from parity.bench.iterations import PROMISED
from parity.bench.overhead import PROMISED as LIGHT
from parity.results.page.heatmap import layer_of
from parity.results.page.reading import Run

LISTED = 3  # layers that the headline names; it counts the others
APPLE = "on Apple\u2019s GPU"
COMMIT = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28}\b")  # as well known by its first twelve digits

# What the values of an environment are called on the page, where their own names would not do.
NAMES = {
    "cpu": "processor",
    "threads": "cores",
    "torch_float32_matmul": "float32 products in PyTorch (highest: no TF32)",
    "git_revision": "revision",
    "mlx_blas": "BLAS of MLX",
}


@dataclass(frozen=True)
class Claim:
    """What a section of the page comes to. good, total: counts. unit: what the good ones are, "verdicts green".

    trouble: what the others are, in words; "" if there are none.
    """

    section: str
    good: int
    total: int
    unit: str
    trouble: str

    def sentence(self) -> str:
        """Such as: 51 of 53 planted faults caught."""
        return f"{self.good:,} of {self.total:,} {self.unit}"


def claims(run: Run) -> list[Claim]:
    """The claims, in the order of the page. A limitation is no verdict, and a kind without records claims nothing."""
    promises = [t for t in run.timings if t.name in PROMISED]
    red = listed(layer_of(v.case) for v in run.judged if not v.ok)
    places = [place for place in run.places if not place.reason]
    first = [f"first in {s.first.name} ({s.first.stage})" for s in run.searches if s.first]
    found = (
        claim("map", run.judged, lambda v: v.ok, "verdicts", "green", f"red: {red}"),
        claim("localize", places, lambda place: place.red is None, "places", "agree", ", ".join(["part", *first])),
        claim("faults", run.faults, lambda p: p.verdict is not None, "planted faults", "caught", "not caught"),
        claim("rewrites", run.rewrites, lambda p: p.verdict is None, "harmless rewrites", "left alone", "flagged"),
        claim("bench", promises, lambda t: t.kept, "promises of speed", "kept", "broken"),
        claim("overhead", run.overheads, lambda o: o.share < LIGHT, "promises of a light harness", "kept", "broken"),
        claim("audit", run.audits, lambda row: row.ok, "operators", f"served {APPLE}", f"not served {APPLE}"),
    )
    return [claim for claim in found if claim.total]


def claim(section: str, items: Iterable, holds: Callable[..., bool], noun: str, good: str, bad: str) -> Claim:
    """The claim that all items are good."""
    held = [holds(item) for item in items]
    wrong = held.count(False)
    trouble = f"{wrong:,} of {len(held):,} {noun} {bad}" if wrong else ""
    return Claim(section, len(held) - wrong, len(held), f"{noun} {good}", trouble)


def listed(names: Iterable[str]) -> str:
    """Names, each once: "norm", "attention and norm", "attention, mlp, norm and 2 more"."""
    every = list(dict.fromkeys(names))
    shown, more = every[:LISTED], len(every) - LISTED
    last = [f"{more} more"] if more > 0 else [shown.pop()] if len(shown) > 1 else []
    return " and ".join([", ".join(shown), *last])


def headline(made: list[Claim]) -> str:
    """The sentence over the page."""
    if not made:
        return "Nothing was judged."
    first = made[0].trouble or made[0].sentence()
    return "; ".join([first, *(claim.trouble for claim in made[1:] if claim.trouble)]) + "."


def environment(found: Iterable[dict]) -> dict[str, str]:
    """{what: its value}, versions first; where runs were made in several environments that differ, all values."""
    values = {}
    for record in found:
        for key, value in (record.get("versions", {}) | record).items():
            if key not in ("record", "versions") and value not in (None, {}, [], ""):
                values.setdefault(NAMES.get(key, key.replace("_", " ")), {})[words(value)] = None
    return {name: " | ".join(texts) for name, texts in values.items()}


def words(value: object) -> str:
    """A value of an environment as text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {words(x)}" for key, x in value.items())
    return ", ".join(map(words, value)) if isinstance(value, list) else COMMIT.sub(r"\1", str(value))
