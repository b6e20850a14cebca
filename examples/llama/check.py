"""Are the two Llama blocks the same function? And does a broken copy give itself away, in the right place?

    python -m examples.llama.check

Prints the table of the healthy pair, then where the broken copy parts. Exit status: 0 if the pair is green and the
broken copy is found where it was broken, 1 if not.
"""

from __future__ import annotations

import sys

import parity
from examples.llama.pair import BREAKS, INPUTS, broken_mlx_block, mlx_block, torch_block


def main() -> int:
    """The exit status; see the module."""
    theirs = torch_block()
    found = parity.check(mlx_block(), theirs, inputs=INPUTS, name="Llama block")
    print(found)
    name, mistake = next(iter(BREAKS.items()))
    where = parity.localize(broken_mlx_block(), theirs, inputs=INPUTS)
    print(f"A broken copy ({name}): {where.sentence()}")
    return 0 if found.ok and where.first_divergence and where.first_divergence.path == mistake.path else 1


if __name__ == "__main__":
    sys.exit(main())
