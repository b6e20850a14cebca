"""The report: one HTML page that carries everything, and needs nothing but a browser to be read.

A person who opens it should know after one sentence whether something is red, after one look at the map where, and
after one click what: the tensor, the index, both values, the bound and how it was derived. So the page holds the map as
plain HTML, which is read without JavaScript too, and the records of all verdicts once, as JSON, from which a few lines
of JavaScript build what a click shows. It loads nothing: style, script and data stand in the file, and its content
security policy forbids the rest.

`reading` and `records` read the records, `head` sums them up, `heatmap` and `strip` draw,
`page.html.j2` lays out; `page.css` and `page.js` are put into it. Values reach the page through autoescaping and
`tojson`, which leave no text that could end an element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from parity.bench.iterations import PROMISED, REFERENCE
from parity.bench.overhead import PROMISED as LIGHT
from parity.localize.first_divergence import STAGES
from parity.results.console import plain
from parity.results.page.head import claims, environment, headline
from parity.results.page.heatmap import Column, columns, grouped, layer_of, layers, level, short
from parity.results.page.reading import Run, read, run
from parity.results.page.records import Planted
from parity.results.page.strip import chart
from parity.results.table import agreement, share
from parity.results.verdict import AGREEMENT, Verdict

__all__ = ["read", "render"]

SHOWN = 8  # red verdicts that are spelt out before a person asks for all


def render(records: Iterable[dict]) -> str:
    """The page as text. records: what `read` returns. Raises KeyError, TypeError or ValueError for malformed ones."""
    text = engine().get_template("page.html.j2").render(context(run(records)))
    # A lone surrogate, which JSON can carry into a name, has no UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


@cache
def engine() -> Environment:
    """What fills the template, and keeps it once it is compiled."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    made.filters |= {"share": share, "short": short, "level": level}
    return made


def context(run: Run) -> dict[str, object]:
    """What the template lays out."""
    variants, made = columns(run.verdicts), claims(run)
    return {
        "run": run,
        "headline": headline(made),
        "claims": made,
        "environment": environment(run.environments),
        "environments": len({str(record) for record in run.environments}),
        "red": [v for v in run.judged if not v.ok],
        "shown": SHOWN,
        "agreement": agreement(list(run.judged)) if any(variant.group == "float64" for variant in variants) else None,
        "promised": AGREEMENT,
        "groups": grouped(variants, lambda column: column.group),
        "layers": layers(run.verdicts, variants),
        "chart": chart(run.judged),
        "stages": [stage for stage in STAGES if any(stage in place.verdicts for place in run.places)],
        "limitations": grouped((v for v in run.verdicts if v.limitation), lambda v: v.limitation),
        "faults": plantings(run.faults, lambda p: p.verdict is not None),
        "rewrites": plantings(run.rewrites, lambda p: p.verdict is None),
        "widest": max([t.high for t in run.timings] + [1.0]),
        "reference": REFERENCE,
        "promises": PROMISED,
        "light": LIGHT,
        "audits": grouped(run.audits, lambda row: row.backend),
        "costs": sorted(run.costs, key=lambda cost: -cost.seconds),
        "data": data(run.verdicts, variants),
    }


def plantings(found: Iterable[Planted], good: Callable[[Planted], bool]) -> dict[tuple[str, str], list[Planted]]:
    """Edits by name and note, those with a bad outcome first."""
    return grouped(sorted(found, key=good), lambda planted: (planted.name, planted.note))


def data(verdicts: Iterable[Verdict], variants: list[Column]) -> dict:
    """What page.js builds the records from: every name once, every verdict one row."""
    verdicts = list(verdicts)
    cases, derivations = (list(dict.fromkeys(getattr(v, name) for v in verdicts)) for name in ("case", "derivation"))
    case, derivation = ({text: i for i, text in enumerate(texts)} for texts in (cases, derivations))
    names = list(dict.fromkeys(map(layer_of, cases)))
    variant = {column.variant: i for i, column in enumerate(variants)}
    rows = [
        [
            case[v.case],
            variant[v.variant],
            v.what,
            *map(four_digits, (v.error, v.bound, v.scale)),
            v.where,
            v.expected,
            v.got,
        ]
        + [derivation[v.derivation], v.limitation, four_digits(share(v)), v.ok]
        for v in verdicts
    ]
    layer = [names.index(layer_of(name)) for name in cases]
    return plain(
        dict(layers=names, cases=cases, layer=layer, variants=list(variant), derivations=derivations, rows=rows)
    )


def four_digits(value: float) -> float:
    return float(f"{value:.4g}")
