"""The template engine of every HTML page: the report of the harness, a search's bracket, an interpretation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def engine(folder: Path, **filters: Callable) -> Environment:
    """The engine for the templates in `folder`, with these filters: values are escaped, and an unknown one raises."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment
