"""`lyceum retain`: a finished run continued on a second text, without losing the first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from lyceum.cli.options import Backend, DataDir, Device, Run, Save, console, number, show

if TYPE_CHECKING:
    from lyceum.experiments.retain.table import Row

COLUMNS = ("first text", "±", "change", "± ", "second text", "±  ", "change ", "±   ")
READING = """\
Losses in nats per token on the validation splits of the first and of the second text; changes since before, paired,
with their standard errors. What rises on the first text was forgotten, what falls on the second was learned. A memory
counts the first training text before, and both afterwards."""


def retain(
    run: Run,
    text: Annotated[
        str,
        Option(metavar="NAME", help="comedies, histories or tragedies, or a folder of train.bin and val.bin."),
    ] = "comedies",
    out: Annotated[
        Path | None, Option(metavar="DIR", help="Where both runs go (default: RUN-NAME).", show_default=False)
    ] = None,
    steps: Annotated[int, Option(metavar="N", help="Iterations on the second text.")] = 1000,
    strength: Annotated[
        float | None,
        Option(metavar="S", help="Of the restraint (default: the persona's).", show_default=False),
    ] = None,
    backend: Backend = None,
    device: Device = None,
    data_dir: DataDir = None,
    save: Save = False,
) -> int:
    """Continue a finished run on a second text so that the first is not forgotten, beside plain fine-tuning.

    Two runs, in the folders retain and plain of --out, and a table of what they learned and forgot. Stopped at any
    moment, the same command goes on; with more --steps it goes on further. For example:

        $ lyceum retain runs/a --text comedies --out runs/a-comedies
        $ lyceum sample runs/a-comedies/retain "ROSALIND:"
    """
    import train_mps
    from lyceum.experiments.retain.retain import retain as continued
    from lyceum.training.signals import Interrupted

    printed, out = console(), out or run.with_name(f"{run.name}-{Path(text).name}")
    where = {"backend": backend, "device": device, "data_dir": data_dir}
    try:
        tables = continued(train_mps.FIXED, run, text, out, steps, strength, printed.print, **where)
    except Interrupted as stop:
        print("lyceum: stopped and saved; the same command goes on.", file=sys.stderr)
        return stop.exit_status
    for name, rows in tables.items():
        show(printed, (name, *COLUMNS), map(_cells, rows), COLUMNS)
    printed.print(READING, soft_wrap=True)
    if save:
        _save(tables, run, f"lyceum retain RUN --text {text} --steps {steps}")
    return 0


def _save(tables: dict[str, list[Row]], run: Path, command: str) -> None:
    from lyceum.experiments import effects
    from lyceum.experiments.retain.table import ALONE
    from lyceum.runs.summary import summarize

    difference = tables[ALONE][-1]
    first, second = (" ± ".join(_pair(each, "+.4f")) for each in (difference.first_change, difference.second_change))
    figure = f"{first} on the first text, {second} on the second,\nbeside plain fine-tuning, by the weights alone"
    effects.save_figure(summarize(run).persona, "retain", figure, command)


def _cells(row: Row) -> tuple[str, ...]:
    losses, changes = (row.first, row.second), (row.first_change, row.second_change)
    figures = [(*_pair(loss, ".4f"), *_pair(change, "+.4f")) for loss, change in zip(losses, changes, strict=True)]
    return (row.name, *figures[0], *figures[1])


def _pair(figure: tuple[float, float] | None, form: str) -> tuple[str, str]:
    value, error = (None, None) if figure is None else figure
    return number(value, form), number(error)
