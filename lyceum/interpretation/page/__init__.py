"""The page of `lyceum interpret`: one HTML file that carries everything, and needs nothing but a browser to be read.

    page.html.j2   the layout, into which page.css and page.js are put

A map is a table, so that it can be read without JavaScript: the number of a cell is its title. JavaScript adds what a
finger needs, a line under the map that says what was touched, and arrow keys. Values reach the page through
autoescaping; its content security policy forbids to load anything.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

from jinja2 import Environment

from lyceum.html import engine
from lyceum.interpretation.answer import Answer
from lyceum.personas.lens.heat_map import HeatMap


def render(answer: Answer) -> str:
    """The page as text."""
    text = templates().get_template("page.html.j2").render(answer=answer)
    # A lone surrogate has no UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


@cache
def templates() -> Environment:
    """The template engine, which compiles the template once."""
    return engine(Path(__file__).parent, number=number, probability=probability, lines=lines)


def lines(heat: HeatMap) -> list[tuple[str, list[tuple[str, float, float]]]]:
    """The rows of a map: (name, cells), a cell (column, value, its colour)."""
    return [
        (row, list(zip(heat.columns, values.tolist(), colours.tolist(), strict=True)))
        for row, values, colours in zip(heat.rows, heat.values, heat.colours(), strict=True)
    ]


def number(value: float, heat: HeatMap) -> str:
    """A number of a map, with its sign where 0 lies in the middle, and three digits of the greatest."""
    digits = max(3, 2 - math.floor(math.log10(heat.full_colour)))
    return f"{value:+.{digits}f}" if heat.signed else f"{value:.{digits}f}"


def probability(log_prob: float) -> str:
    """p of a log p, in percent."""
    p = 100 * math.exp(log_prob)
    return f"{p:.1f} %" if p >= 0.1 else f"{p:.2g} %"
