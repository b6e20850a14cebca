"""`lyceum circuit`: a recurrent cell with hand-written weights at work, Euclid's algorithm step by step."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from lyceum.cli.options import console, show


def circuit(
    a: Annotated[int, Argument(min=1, max=64, help="A number from 1 to 64.")],
    b: Annotated[int, Argument(min=1, max=64, help="Another.")],
) -> None:
    """Find the greatest common measure of two numbers with a cell of three units (Euclid's system `circuit`).

    Each step takes the less from the greater; 64 steps suffice for every pair up to 64. For example:

        $ lyceum circuit 60 42
    """
    from lyceum.personas.euclid.circuit import demonstration

    states, out = demonstration(a, b), console()
    rows = [(str(step), *(f"{x:.0f}" for x in state)) for step, state in enumerate(states)]
    show(out, ("step", "greater", "less"), rows, ("step", "greater", "less"))
    out.print(f"The greatest common measure of {a} and {b} is {states[-1, 0]:.0f}, reached in step {len(states) - 1}.")
