"""`lyceum systems`: every system of every persona, how it is enabled, its job, and its measured effect.

The effects are those of the last ablation (`lyceum ablation`), in `lyceum/personas/effects.json`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Argument

from lyceum.cli.options import console, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lyceum.personas import Persona, System

READING = """\
A number (A8, E19) is the persona's initial and the number of a question; A8 and E8 are two answers to the same one.
Effect: what switching a system off (or on) does to full_vloss, in nats per token, less is better, with its paired
standard error, and to the time of an iteration. lyceum ablation measures it. A system that is a command has what the
command has shown. RESULTS.md has the complete tables."""


def systems(
    persona: Annotated[str | None, Argument(help="aristotle or euclid (default: both).", show_default=False)] = None,
) -> None:
    """List the systems: how each is enabled, its job, and its measured effect.

    For example, to see Euclid's and then to train one more of them:

        $ lyceum systems euclid
        $ python train_mps.py --persona euclid --with moe
    """
    from lyceum import personas
    from lyceum.contract import UsageError
    from lyceum.experiments.effects import effects

    try:
        chosen = _with_systems() if persona is None else [personas.find(persona)]
    except personas.PersonaError as error:
        raise UsageError(str(error)) from error
    out, known = console(), effects()
    for each in chosen:
        out.print(f"{each.name}: {each.thesis}", style="bold")
        if each.systems:
            rows = _rows(each, known.get(each.name, {}))
            show(out, ("number", "system", "enabled", "job", "effect"), rows, wrapped=("job",), lines=True)
        else:
            out.print("No systems: the other personas enable theirs in this model.\n")
    out.print(READING, soft_wrap=True)


def _with_systems() -> list[Persona]:
    from lyceum import personas

    return [each for each in personas.PERSONAS.values() if each.systems]


def _rows(persona: Persona, measured: dict[str, dict]) -> Iterator[tuple[str, ...]]:
    for system in persona.systems:
        number, _, phrase = system.label.partition(", ")
        enabled = "by default" if system.name in persona.default else system.command or _switches(persona, system)
        yield number, f"{system.name}\n{phrase}", enabled, system.job, _effect(measured.get(system.name))


def _switches(persona: Persona, system: System) -> str:
    """ "--with mla" and "--without rope", a line each."""
    from lyceum.personas.spec.system import changes
    from lyceum.training.request import switches

    flags = switches(persona.name, changes(persona)[system.name])
    return "\n".join(f"--{flag} {names}" for flag, names in flags.items())


def _effect(record: dict | None) -> str:
    if record is None:
        return "not measured"
    if "figure" in record:
        return record["figure"]
    return f"{record['change']}:\n{record['difference']:+.4f} ± {record['error']:.4f}, time × {record['time']:.2f}"
