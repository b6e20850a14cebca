"""Are the two Llama blocks the same function? And is a mistake in one of them localized?

    python -m examples.llama.check

Prints the table of the pair, then where a copy with a mistake first diverges. Exit status: 0 if the pair passes and the
copy first diverges in the submodule with the mistake, 1 if not.
"""

from __future__ import annotations

import sys

import parity
from examples.llama.mistakes import MISTAKES
from examples.llama.pair import INPUTS, faulty_mlx_block, mlx_block, torch_block


def main() -> int:
    """The exit status; see the module."""
    theirs = torch_block()
    result = parity.check(mlx_block(), theirs, inputs=INPUTS, name="Llama block")
    print(result)
    name, mistake = next(iter(MISTAKES.items()))
    localization = parity.localize(faulty_mlx_block(), theirs, inputs=INPUTS)
    print(f"A copy with a mistake ({name}): {localization.sentence()}")
    first = localization.first_divergence
    localized = first is not None and first.path == mistake.path
    return 0 if result.ok and localized else 1


if __name__ == "__main__":
    sys.exit(main())
