"""`lyceum speed`: how many tokens a second runs write, in turns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from lyceum.cli.options import Backend, Device, console, number, show

COLUMNS = ("run", "model", "device", "tokens a second", "ratio to the first", "95% interval")


def speed(
    runs: Annotated[list[Path], Argument(metavar="RUN", help="Folders of runs.", show_default=False)],
    tokens: Annotated[int, Option(metavar="N", min=1, max=10_000, help="How many tokens a text has.")] = 64,
    continuations: Annotated[int, Option(metavar="N", min=1, max=16, help="How many texts side by side.")] = 1,
    rounds: Annotated[int, Option(metavar="N", min=1, max=1000, help="How often each run writes.")] = 9,
    backend: Backend = None,
    device: Device = None,
) -> None:
    """Measure how many tokens a second each run writes, in turns, as a ratio to the first.

    The first 64 tokens of a text are written through the cache; after that the window slides, and is read anew for
    every token. For example:

        $ lyceum speed runs/dense runs/sparse
        $ lyceum speed runs/dense runs/sparse --tokens 128 --continuations 16 --backend mlx
    """
    import train_mps
    from lyceum.generation.speed import prompts, speeds

    asked = prompts(runs, tokens, continuations, backend, device)
    rows = [
        (str(run), each.title, each.device, number(each.tokens, ".1f"), number(each.ratio, ".3f"),
         f"{each.low:.3f} to {each.high:.3f}")
        for run, each in zip(runs, speeds(asked, rounds, train_mps.FIXED), strict=True)
    ]  # fmt: skip
    show(console(), COLUMNS, rows, COLUMNS[3:])
