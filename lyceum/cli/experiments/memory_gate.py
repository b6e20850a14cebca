"""`lyceum memory-gate`: fit the gate of a persona's memory again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option


def memory_gate(
    persona: Annotated[str, Argument(help="Whose memory: aristotle or euclid.")],
    backend: Annotated[str, Option(help="mlx or torch: which backend trains the four models.")] = "torch",
    iterations: Annotated[int, Option(min=1, help="Iterations of each of the four models.")] = 1500,
    out: Annotated[Path | None, Option(help="File of the gate (default: over the shipped one).")] = None,
) -> None:
    """Fit the gate that mixes a persona's model with its memory: trains four models, about ten minutes.

    For example:

        $ lyceum memory-gate euclid --out gate.json
    """
    import train_mps
    from lyceum.experiments.memory_gate import refit

    refit.refit(persona, train_mps.FIXED, backend, out, iterations)
