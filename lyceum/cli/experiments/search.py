"""`lyceum search`: find a better recipe for a persona, with any number of workers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option, echo

from lyceum.cli.options import Save


def search(
    persona: Annotated[str, Argument(help="Whose recipe, and whose search.")],
    budget: Annotated[int, Option(min=1, metavar="ITERATIONS", help="Of all runs together.", show_default=False)],
    space: Annotated[
        str | None, Option(metavar="FIELD=LOW:HIGH[:log],...", help="Ranges of the recipe (default: four fields).")
    ] = None,
    switch: Annotated[str, Option(metavar="A,B", help="Systems that may be on or off.")] = "",
    candidates: Annotated[int, Option(min=2, help="How many configurations are compared.")] = 16,
    seeds: Annotated[str, Option(metavar="A,B", help="Train on these seeds, as many as a comparison needs.")] = "1337",
    backend: Annotated[Literal["mlx", "torch"], Option(help="The framework.")] = "torch",
    storage: Annotated[
        str | None, Option(metavar="URL", help="A database that workers share (default: a file in the folder).")
    ] = None,
    study: Annotated[str | None, Option(metavar="NAME", help="Of the study (default: the persona's).")] = None,
    out: Annotated[Path | None, Option(help="Folder of the study (default: runs/search-PERSONA).")] = None,
    data_dir: Annotated[Path | None, Option(metavar="DIR", help="train.bin and val.bin of another text.")] = None,
    patience: Annotated[
        float, Option(min=1, help="Seconds without a sign of life, after which a run is redone.")
    ] = 120,
    save: Save = False,
) -> None:
    """Search for a better recipe: compare configurations, and end in a record that train_mps.py runs, and a page.

    The same command joins the study as a further worker, or continues it after a stop. For example, with 16
    configurations and about ten minutes:

        $ lyceum search aristotle --budget 10000

        $ lyceum search euclid --budget 10000 --space peak_lr=3e-4:4e-3:log

        $ python train_mps.py --backend torch --recipe runs/search-aristotle/record.json

    On many machines, each with: --storage postgresql+psycopg://user@host/database
    """
    from lyceum.cli.experiments.ablation import numbers
    from lyceum.experiments import effects
    from lyceum.experiments.search import search as engine
    from lyceum.experiments.search.space import DEFAULT, parse

    searched = parse(persona, DEFAULT if space is None else space, [each for each in switch.split(",") if each])
    folder, text = out or Path("runs", f"search-{persona}"), None if data_dir is None else str(data_dir)
    request = (searched, backend, budget, candidates, tuple(numbers(seeds)), storage, study or persona)
    result, record, page = engine.search(*request, folder, text, patience)
    for line in (*result.notes, record, page):
        echo(line)
    if result.gain is not None:
        words = f"{result.gain:.4f} ± {result.error:.4f} nats"
        echo(f"Candidate {result.best} beats the persona's default recipe by {words} after {result.steps} iterations.")
    if save and result.gain is not None:
        figure = f"{-result.gain:+.4f} ± {result.error:.4f} beside the default recipe,\n"
        figure += f"after {result.steps} iterations, on training text left out"
        effects.save_figure(persona, "search", figure, f"lyceum search {persona} --budget {budget}")
