"""What an ablation compares: the default composition, and every composition one change away from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lyceum import personas
from lyceum.personas.spec import system

DEFAULT = "default"


@dataclass(frozen=True)
class Composition:
    """system: the one that is switched, or DEFAULT. change: what is done, in words. systems: those that are enabled."""

    system: str
    change: str
    systems: tuple[str, ...]

    def folder(self, out: Path, seed: int) -> Path:
        """The run folder of a seed."""
        return out / f"{self.system}-{seed}"


def compositions(persona: str, only: Iterable[str] = ()) -> list[Composition]:
    """The default, then one composition for each system, or for those in `only`.

    Raises PersonaError for an unknown name.
    """
    record = personas.find(persona)
    selected = {system.find(record, name).name for name in only}
    changed = system.changes(record).items()
    return [
        Composition(DEFAULT, "", record.default),
        *(
            Composition(name, _change(record, name, names), names)
            for name, names in changed
            if not selected or name in selected
        ),
    ]


def _change(persona: personas.Persona, name: str, names: tuple[str, ...]) -> str:
    """ "off", "on", "on, with rope, without mla", "off, without memory"."""
    added = [other for other in names if other not in persona.default and other != name]
    removed = [other for other in persona.default if other not in names and other != name]
    besides = [f", {word} {', '.join(others)}" for word, others in (("with", added), ("without", removed)) if others]
    return "".join(["off" if name in persona.default else "on", *besides])
