"""The report: one HTML page that carries everything, and needs nothing but a browser to be read.

A reader should know after one sentence whether something failed, after one look at the map where, and after one click
what: the tensor, the index, both values, the bound and how it was derived. So the page contains the map as plain HTML,
which needs no JavaScript, and the records of all verdicts once, as JSON, from which a few lines of JavaScript build
what a click shows. It loads nothing: style, script and data are in the file, and its content security policy forbids
the rest.

    head           the headline, one claim for each record type
    heatmap        the map: rows are cases, columns are variants
    strip          the strip chart: every verdict as a dot
    page.html.j2   the layout, into which page.css and page.js are put

Values reach the page through autoescaping and `tojson`, which leave no text that could end an element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from jinja2 import Environment

from lyceum.html import engine
from parity.results.environment import combined
from parity.results.grouping import grouped, layer_of
from parity.results.localization import STAGES
from parity.results.page.head import claims, headline
from parity.results.page.heatmap import Column, columns, layers, level, short, sign
from parity.results.page.strip import chart
from parity.results.reading import Run, run_of
from parity.results.records import REFERENCE, Planted
from parity.results.saving import json_safe
from parity.results.table import agreement, share
from parity.results.verdict import AGREEMENT, Verdict

SHOWN = 8  # failures that are spelt out; the others follow behind a click


def render(records: Iterable[dict]) -> str:
    """The page as text. records: what `reading.read` returns. Raises what `reading.run_of` raises."""
    text = templates().get_template("page.html.j2").render(context(run_of(records)))
    # A lone surrogate, which JSON can carry into a name, has no UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


@cache
def templates() -> Environment:
    """The template engine, which compiles the template once."""
    environment = engine(Path(__file__).parent, share=share, short=short, level=level)
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.globals["sign"] = sign
    return environment


def context(run: Run) -> dict[str, object]:
    """The variables of the template."""
    variants, run_claims = columns(run.verdicts), claims(run)
    return {
        "run": run,
        "headline": headline(run_claims),
        "claims": run_claims,
        "environment": combined(run.environments),
        "environments": len({str(record) for record in run.environments}),
        "failures": [v for v in run.compared if not v.ok],
        "shown": SHOWN,
        "agreement": agreement(list(run.compared)) if any(variant.group == "float64" for variant in variants) else None,
        "allowed": AGREEMENT,
        "groups": grouped(variants, lambda column: column.group),
        "layers": layers(run.verdicts, variants),
        "chart": chart(run.compared),
        "stages": [stage for stage in STAGES if any(stage in call.verdicts for call in run.calls)],
        "limitations": grouped((v for v in run.verdicts if v.limitation), lambda v: v.limitation),
        "faults": by_edit(run.faults, lambda p: p.verdict is not None),
        "rewrites": by_edit(run.rewrites, lambda p: p.verdict is None),
        "widest": max([t.high for t in run.timings] + [1.0]),
        "reference": REFERENCE,
        "audits": grouped(run.audits, lambda row: row.backend),
        "costs": sorted(run.costs, key=lambda cost: -cost.seconds),
        "data": data(run.verdicts, variants),
    }


def by_edit(outcomes: Iterable[Planted], ok: Callable[[Planted], bool]) -> dict[tuple[str, str], list[Planted]]:
    """{(name, note): outcomes} of planted edits, those with a bad outcome first."""
    return grouped(sorted(outcomes, key=ok), lambda planted: (planted.name, planted.note))


def data(verdicts: Iterable[Verdict], variants: list[Column]) -> dict:
    """The data of page.js: every name once, every verdict one row."""
    verdicts = list(verdicts)
    cases, derivations = (list(dict.fromkeys(getattr(v, name) for v in verdicts)) for name in ("case", "derivation"))
    case, derivation = ({text: i for i, text in enumerate(texts)} for texts in (cases, derivations))
    names = list(dict.fromkeys(map(layer_of, cases)))
    variant = {column.variant: i for i, column in enumerate(variants)}
    rows = []
    for v in verdicts:
        figures = (four_digits(v.error), four_digits(v.bound), four_digits(v.scale), v.where, v.expected, v.got)
        answer = (derivation[v.derivation], v.limitation, four_digits(share(v)), v.ok)
        rows.append([case[v.case], variant[v.variant], v.what, *figures, *answer])
    layer = [names.index(layer_of(name)) for name in cases]
    names_once = {"layers": names, "cases": cases, "variants": list(variant), "derivations": derivations}
    return json_safe(names_once | {"layer": layer, "rows": rows})


def four_digits(value: float) -> float:
    return float(f"{value:.4g}")
