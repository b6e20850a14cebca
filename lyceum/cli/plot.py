"""`lyceum plot`: the loss curve of one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from lyceum.cli.options import Run, console


def plot(
    run: Run,
    out: Annotated[
        Path | None, Option(metavar="FILE", help="The picture (default: loss.png in the run's folder).")
    ] = None,
) -> None:
    """Draw the training and the validation loss of a run, finished or not.

    For example:

        $ lyceum plot runs/a --out loss.png
    """
    from lyceum.runs import figure, summary
    from lyceum.runs.files import write_output
    from lyceum.runs.folder import RunFolder

    known = summary.readable(run)
    path = run / "loss.png" if out is None else out
    title = f"{known.title} on {' and '.join(known.backends)}, seed {known.seed}"
    if known.state != "finished":
        title += f"\n{known.status}"
    elif known.reason is not None:
        title += f"\nnot comparable: {known.reason}"
    write_output(path, figure.draw(RunFolder(run).history(), title, known.full_vloss))
    console().print(f"Wrote {path}", soft_wrap=True)
