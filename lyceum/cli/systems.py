"""What `--systems` prints: every system of every persona, whether it stands, its job, and its measured effect.

The effects are those of the last ablation (`lyceum ablation`), in `lyceum/personas/effects.json`.
"""

from __future__ import annotations

from lyceum import personas
from lyceum.experiments.ablation.effects import effects

READING = (
    "Effect: what the change does to full_vloss, in nats per token (less is better), with its paired standard error,\n"
    "and to the time of an iteration, after an ablation's iterations; RESULTS.md has the whole table."
)


def listing() -> str:
    """The systems as text, one paragraph for each persona."""
    known = effects()
    paragraphs = [
        _paragraph(persona, known.get(persona.name, {})) for persona in personas.PERSONAS.values() if persona.systems
    ]
    return "\n\n".join([*paragraphs, READING])


def _paragraph(persona: personas.Persona, measured: dict[str, dict]) -> str:
    lines = [f"{persona.name}: {persona.thesis}"]
    for system in persona.systems:
        state = "default" if system.name in persona.default else system.command or f"--with {system.name}"
        lines += [
            f"  {system.name:<10} {system.label:<34} {state}",
            f"             {system.job}",
            f"             {_effect(measured.get(system.name), system)}",
        ]
    return "\n".join(lines)


def _effect(record: dict | None, system: personas.System) -> str:
    if record is None:
        return "no effect on a run's loss" if system.command else "effect not measured"
    return f"{record['change']}: {record['difference']:+.4f} ± {record['error']:.4f}, time x {record['time']:.2f}"
