"""`lyceum compare`: several runs side by side, as a table, as one picture, and by their paired differences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from lyceum.cli.options import DataDir, console, number, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lyceum.corpus import Corpus
    from lyceum.runs.summary import Summary

COLUMNS = ("run", "model", "backend", "seed", "full_vloss", "±", "best_vloss", "minutes", "difference", "± ")
SHARES = ("run", "token", "in training", "tokens", "loss of the first", "difference", "±")
READING = "The error of a difference says how much it would vary over other texts, not over other seeds."


def compare(
    runs: Annotated[list[Path], Argument(metavar="RUN", help="Folders of two or more runs.", show_default=False)],
    out: Annotated[Path, Option(metavar="FILE", help="The picture of the validation curves.")] = Path("compare.png"),
    by_frequency: Annotated[bool, Option("--by-frequency", help="Take rare and frequent tokens apart.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Compare runs with the first: losses, validation curves, paired differences.

    A difference is that of full_vloss, in nats per token, and negative where a run is better than the first. It is
    taken block by block on the same text, so its standard error is far below that of either loss. For example:

        $ lyceum compare runs/baseline runs/aristotle runs/euclid --out curves.png

    With --by-frequency, also for the tokens that are so often in the training text: those that are read, and those that
    are predicted.
    """
    from lyceum.contract import UsageError
    from lyceum.runs import figure, frequency, summary
    from lyceum.runs.files import write_output
    from lyceum.runs.folder import RunFolder

    if len(runs) < 2:
        raise UsageError("there is nothing to compare: give two or more runs.")
    if twice := [path for i, path in enumerate(runs) if path.resolve() in {other.resolve() for other in runs[:i]}]:
        raise UsageError(f"{twice[0]} is given twice: give each run once.")
    if data_dir is not None and not by_frequency:
        raise UsageError("--data-dir is the text whose tokens are counted: give --by-frequency too, or leave it out.")
    summaries, names = [summary.readable(path) for path in runs], _names(runs)
    text = frequency.text_of(summaries[0], data_dir) if by_frequency else None
    histories = {name: RunFolder(path).history() for name, path in zip(names, runs, strict=True)}
    write_output(out, figure.draw_validation(histories, "validation loss"))
    rows, remarks = _rows(names, summaries)
    output = console()
    show(output, COLUMNS, rows, COLUMNS[3:])
    if text is not None:
        show(output, SHARES, _shares(names, summaries, text), SHARES[3:])
    for line in (*remarks, f"Wrote {out}"):
        output.print(line, soft_wrap=True)


def _rows(names: list[str], runs: list[Summary]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The rows, and a sentence for every figure that they lack or that must be read with care."""
    rows, remarks, paired = [], [], 0
    for name, run in zip(names, runs, strict=True):
        losses = number(run.full_vloss), number(run.full_vloss_se), number(run.best_vloss)
        difference, problem = ("first", ""), None
        if run is not runs[0]:
            difference, problem = _difference(run, runs[0])
        about = name, run.title or "", ", ".join(run.backends), number(run.seed, "d")
        rows.append((*about, *losses, number(run.minutes, ".1f"), *difference))
        if problem is not None:
            remarks.append(f"{name} cannot be paired with {names[0]}: {problem}.")
        paired += run is not runs[0] and problem is None
        if run.reason is not None:
            remarks.append(f"{name} is not comparable with the contract's runs: {run.reason}.")
    if paired:
        remarks.append(READING)
    return rows, remarks


def _difference(run: Summary, first: Summary) -> tuple[tuple[str, str], str | None]:
    """(the two cells, why they are empty)."""
    from lyceum.contract import UserError
    from lyceum.runs import pairing

    try:
        paired = pairing.difference(run, first)
    except UserError as error:
        return ("", ""), str(error).rstrip(".")
    return (f"{paired.value:+.4f}", f"{paired.error:.4f}"), None


def _shares(names: list[str], runs: list[Summary], text: Corpus) -> Iterator[tuple[str, ...]]:
    """The rows of every run that can be paired with the first, by frequency."""
    from lyceum.contract import UserError
    from lyceum.runs import frequency

    for name, run in zip(names[1:], runs[1:], strict=True):
        try:
            shares = list(frequency.by_frequency(run, runs[0], text))
        except UserError:
            continue
        for share in shares:
            difference = f"{share.difference.value:+.4f}", f"{share.difference.error:.4f}"
            yield name, share.role, share.occurrences, f"{share.tokens:,}", number(share.loss), *difference


def _names(runs: list[Path]) -> list[str]:
    """The folders' names where these differ, else their paths."""
    names = [path.resolve().name for path in runs]
    return names if len(set(names)) == len(names) else [str(path) for path in runs]
