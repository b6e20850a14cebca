"""`lyceum drill`: what the system `repair` is worth, by faults that are made on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from lyceum.cli.options import console, number, show

if TYPE_CHECKING:
    from lyceum.experiments.drill.drill import Report


def drill(
    persona: Annotated[str, Argument(help="Whose repair.")],
    backend: Annotated[Literal["mlx", "torch"], Option(help="The framework.")] = "torch",
    steps: Annotated[int, Option(min=40, max=10001, help="Iterations of every run.")] = 400,
    seed: Annotated[int, Option(min=0, help="Of the runs and of the faults.")] = 1337,
    rounds: Annotated[int, Option(min=1, help="Rounds in which the time is measured.")] = 10,
) -> None:
    """Hurt a model while it trains, with and without repair, and print what is detected and what is lost.

    Trains five runs: unhurt and hurt, with repair and without. For example:

        $ lyceum drill aristotle --steps 400 --seed 7
    """
    from lyceum.experiments.drill.drill import drill as run

    report = run(persona, backend, seed, steps, rounds)
    out = console()
    for outcome in report.outcomes:
        for line in outcome.detected:
            out.print(f"{outcome.name}, {line}", soft_wrap=True)
    show(out, ("run", "full_vloss", "difference", "±"), _rows(report), ("full_vloss", "difference", "±"))
    for line in _conclusions(report):
        out.print(line, soft_wrap=True)


def _rows(report: Report) -> list[tuple[str, ...]]:
    rows = []
    for outcome in report.outcomes:
        if outcome.losses is None:
            rows.append((outcome.name, f"no number at {outcome.stopped}", "", ""))
        else:
            difference, error = report.difference(outcome)
            rows.append((outcome.name, number(outcome.full_vloss), number(difference, "+.4f"), number(error)))
    return rows


def _conclusions(report: Report) -> tuple[str, ...]:
    from lyceum.experiments.drill.drill import GOAL

    unhurt = "changes nothing, bit for bit" if report.same else "changes it"
    ratio, low, high = report.time
    return (
        f"On an unhurt run repair {unhurt}.",
        f"The goal is a difference of at most {GOAL} nats per token with repair.",
        f"An iteration with repair takes {ratio:.2f} ({low:.2f} to {high:.2f}) times as long.",
    )
