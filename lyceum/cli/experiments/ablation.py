"""`lyceum ablation`: what each system of a persona is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option, echo


def ablation(
    persona: Annotated[str, Argument(help="Whose systems.")],
    backend: Annotated[str, Option(help="mlx or torch.")] = "torch",
    seeds: Annotated[str, Option(metavar="A,B", help="Train every composition on each of these seeds.")] = "1337,1",
    steps: Annotated[int, Option(min=1, help="Iterations of every run.")] = 2000,
    only: Annotated[str, Option(metavar="A,B", help="Switch these systems only.")] = "",
    rounds: Annotated[int, Option(min=1, help="Rounds in which all take turns.")] = 10,
    out: Annotated[Path | None, Option(help="Folder of the runs (default: runs/ablation-PERSONA).")] = None,
    development: Annotated[bool, Option("--development", help="Compare on the end of the training split.")] = False,
    save: Annotated[bool, Option("--save", help="Write the effects into lyceum/personas/effects.json.")] = False,
) -> None:
    """Measure what each system is worth: train the default, and every composition one change away from it.

    Prints a Markdown table. An interrupted ablation continues where it stopped. For example:

        $ lyceum ablation euclid --only moe,muon --steps 1000
    """
    from lyceum.experiments import effects
    from lyceum.experiments.ablation.ablate import ablate
    from lyceum.experiments.ablation.table import markdown

    chosen = numbers(seeds)
    folder = out or Path("runs", f"ablation-{persona}{'-development' if development else ''}")
    names = [name for name in only.split(",") if name]
    records = ablate(persona, backend, chosen, steps, rounds, folder, names, development)
    if save:
        effects.save(persona, records)
    echo(markdown(records, chosen))


def numbers(seeds: str) -> list[int]:
    """The integers of "1337,1". Raises UsageError."""
    from lyceum.contract import UsageError

    try:
        return [int(seed) for seed in seeds.split(",")]
    except ValueError as error:
        raise UsageError(f"--seeds {seeds} is not a list of integers: write for example --seeds 1337,1.") from error
