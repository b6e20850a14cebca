"""`lyceum runs`: the runs of a folder, one row each, whatever their state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from lyceum.cli.options import console, number, show

if TYPE_CHECKING:
    from lyceum.runs.summary import Summary


def runs(
    folder: Annotated[Path, Argument(help="Where to look, in its subfolders too.")] = Path("runs"),
) -> None:
    """List the runs of a folder: model, backend, seed, state, losses in nats per token.

    Two losses are comparable if both runs took the contract's text and all of its iterations; else the table says why
    not. For example:

        $ lyceum runs
        $ lyceum runs runs/ablation-euclid
    """
    from lyceum.runs import summary

    out, paths = console(), summary.find(folder)
    if not paths:
        out.print(f"There is no run in {folder}: train one with python train_mps.py.", soft_wrap=True)
        return
    numbers = "seed", "full_vloss", "±", "best_vloss", "minutes"
    columns = ("run", "model", "backend", "seed", "state", *numbers[1:], "comparable")
    names = (path.name if path == folder else str(path.relative_to(folder)) for path in paths)
    rows = [(name, *_cells(summary.summarize(path))) for name, path in zip(names, paths, strict=True)]
    show(out, columns, rows, numbers, wrapped=("state", "comparable"))


def _cells(run: Summary) -> tuple[str, ...]:
    comparable = "yes" if run.state == "finished" and run.reason is None else f"no: {run.reason}"
    return (
        run.title or "",
        ", ".join(run.backends),
        number(run.seed, "d"),
        run.status,
        number(run.full_vloss),
        number(run.full_vloss_se),
        number(run.best_vloss),
        number(run.minutes, ".1f"),
        "" if run.state == "unreadable" else comparable,
    )
