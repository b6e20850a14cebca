"""The arms of a screening: the default, and every composition one change away from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lyceum import personas
from lyceum.personas.spec import system

DEFAULT = "default"


@dataclass(frozen=True)
class Arm:
    """system: whose switch is turned, or DEFAULT. change: what is done, in words. systems: those that then stand."""

    system: str
    change: str
    systems: tuple[str, ...]

    def folder(self, out: Path, seed: int) -> Path:
        """Where its run of a seed is kept."""
        return out / f"{self.system}-{seed}"


def arms(persona: str, only: Iterable[str] = ()) -> list[Arm]:
    """The default arm, then one for each system, or for those in `only`. Raises PersonaError for a name unknown."""
    found = personas.find(persona)
    chosen = {system.find(found, name).name for name in only}
    changed = system.changes(found).items()
    return [
        Arm(DEFAULT, "", found.default),
        *(Arm(name, _change(found, name, names), names) for name, names in changed if not chosen or name in chosen),
    ]


def _change(persona: personas.Persona, name: str, names: tuple[str, ...]) -> str:
    """ "off", "on", "on, without rope", "off, with those that need it: memory"."""
    gone = [other for other in persona.default if other not in names and other != name]
    switched = "off" if name in persona.default else "on"
    return f"{switched}, without {', '.join(gone)}" if gone else switched
