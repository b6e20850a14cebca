"""`lyceum sample`: text by a trained run."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Literal

from typer import Argument, Option

from lyceum.cli.options import Backend, Device, Run, Save

PLAIN, MODAL = "Sampler plain or golden", "Sampler modal or golden"


def sample(
    run: Run,
    text: Annotated[str, Argument(metavar="TEXT", help="The prompt, or how many texts to write.", show_default=False)],
    tokens: Annotated[int, Option(metavar="N", help="How many tokens to write.")] = 200,
    continuations: Annotated[
        int | None, Option(metavar="N", help="How many texts to write (default: 1).", show_default=False)
    ] = None,
    sampler: Annotated[
        Literal["modal", "plain", "golden"] | None,
        Option(help="How the next token is chosen (default: the persona's).", show_default=False),
    ] = None,
    seed: Annotated[int, Option(help="Of the random numbers: the same seed gives the same text.")] = 1337,
    temperature: Annotated[
        float | None, Option(metavar="T", help="Divides the logits (default: 1).", rich_help_panel=PLAIN)
    ] = None,
    top_k: Annotated[int | None, Option(metavar="K", help="The K likeliest.", rich_help_panel=PLAIN)] = None,
    top_p: Annotated[
        float | None, Option(metavar="P", help="The likeliest that make up P (default: 1).", rich_help_panel=PLAIN)
    ] = None,
    min_p: Annotated[
        float | None, Option(metavar="P", help="Those of at least P max p (default: 0).", rich_help_panel=PLAIN)
    ] = None,
    alpha: Annotated[
        float | None, Option(help="Impossible is p < alpha max p (default: 0.02).", rich_help_panel=MODAL)
    ] = None,
    nu: Annotated[
        float | None, Option(help="Necessary is p >= nu, above 1/2 (default: 0.9).", rich_help_panel=MODAL)
    ] = None,
    tau: Annotated[
        float | None, Option(help="How much of the possible is typical (default: 0.95).", rich_help_panel=MODAL)
    ] = None,
    backend: Backend = None,
    device: Device = None,
    save: Save = False,
) -> None:
    """Continue a prompt by a trained run, in either backend, whichever trained it.

    The text goes to standard output, one line about it to standard error. A TEXT that is a bare number asks for so
    many texts, each of which begins with a new line. For example:

        $ lyceum sample runs/a "ROMEO:"
        $ lyceum sample runs/a "ROMEO:" --sampler plain --temperature 0.8 --top-k 50 --tokens 400
        $ lyceum sample runs/a "ROMEO:" --continuations 8 --sampler golden --top-p 0.9
        $ lyceum sample runs/a 8
    """
    from lyceum.generation.prompt import checked

    fields = dict(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, alpha=alpha, nu=nu, tau=tau)
    prompt = checked(text, run, tokens, continuations, sampler, seed, backend, device, **fields)

    import train_mps
    from lyceum.generation import generate

    writer = generate.writer(prompt, train_mps.FIXED)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the terminal's is
    for piece in generate.written(prompt, writer):
        print(piece, end="", flush=True)
    print(writer.summary(), file=sys.stderr)
    if save:
        from lyceum.experiments import effects
        from lyceum.runs.summary import summarize

        command = f"lyceum sample RUN {shlex.quote(text)} --tokens {tokens} --seed {seed}"
        command += f" --continuations {continuations}" if continuations else ""
        figure = writer.summary().replace("; ", "\n")
        effects.save_figure(summarize(run).persona, "sample", figure, command)
