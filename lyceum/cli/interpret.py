"""`lyceum interpret`: why a run's model chose a token, on one page."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from lyceum.cli.options import Backend, Device, Run, Save, console


def interpret(
    run: Run,
    text: Annotated[str, Argument(metavar="TEXT", help="What the model reads.", show_default=False)],
    position: Annotated[
        int | None,
        Option(metavar="N", help="Ask after the N-th token (default: after the last).", show_default=False),
    ] = None,
    token: Annotated[
        str | None,
        Option(
            metavar="TOKEN", help="Explain this token (default: the one that follows, or the likeliest).",
            show_default=False,
        ),
    ] = None,
    patch: Annotated[
        str | None,
        Option(metavar="TEXT", help="Another text of as many tokens, to patch with.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, Option(metavar="FILE", help="The page (default: interpret.html in the run's folder).",
                            show_default=False)
    ] = None,
    backend: Backend = None,
    device: Device = None,
    save: Save = False,
) -> None:  # fmt: skip
    """Say why a trained run expects a token: one self-contained page of heat maps.

    Aristotle: what each head and each MLP gave to the token's logit, and where the heads look. Euclid: the stream in
    pieces at right angles, and what heads read of heads. Both: what another text would have changed, and the memory's
    part in it. docs/interpret.md explains the maps. For example:

        $ lyceum interpret runs/a "ROMEO: But, soft! what light" --out page.html
        $ lyceum interpret runs/a "O Romeo, Romeo! wherefore art thou" --position 6
        $ lyceum interpret runs/a "The king is" --patch "The queen is" --token " dead"
    """
    import train_mps
    from lyceum.contract import UsageError
    from lyceum.interpretation.account import account
    from lyceum.interpretation.answer import answered
    from lyceum.interpretation.model import load
    from lyceum.interpretation.page import render
    from lyceum.interpretation.question import checked

    question = checked(text, train_mps.FIXED.block_size, position, token, patch)
    answer, path = answered(question, load(run, train_mps.FIXED, backend, device)), out or run / "interpret.html"
    try:
        path.write_text(render(answer), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): give another --out.") from error
    figure = account(answer.reading).sentence()
    console().print(f"Wrote {path}: why {answer.token}, {len(answer.maps)} maps.\n{figure}", soft_wrap=True)
    if save:
        from lyceum.experiments import effects
        from lyceum.runs.summary import summarize

        command = f"lyceum interpret RUN {shlex.quote(text)}"
        effects.save_figure(summarize(run).persona, "interpret", figure.replace("; ", ";\n"), command)
