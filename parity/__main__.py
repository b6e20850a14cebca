"""The parity harness on the command line: are two implementations the same function, and where do they first diverge?

    python -m parity                     every case and theorem of the project's layers, as a table
    python -m parity check attention     those whose names contain a word
    python -m parity localize A B        the first submodule in which an MLX and a PyTorch module diverge

Each command explains itself, with an example: python -m parity COMMAND --help. To check your pair of layers, call
parity.check in Python; the guide is docs/check_your_port.md.

Exit status: 0 when everything passed, 1 when something failed (one sentence each), 2 for wrong arguments.
"""

from __future__ import annotations

import os
import sys

from lyceum.contract import UserError
from parity.cli.options import COMMANDS, arguments


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    try:
        options = arguments(sys.argv[1:] if argv is None else argv, __doc__)
        # The tensors are tiny: except in the bench, threads would only wait for each other.
        threads = getattr(options, "threads", 1)
        if threads is not None:
            # MKL and OpenMP read these once, when they are first used, which is when a command runs.
            os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        return COMMANDS[options.command].run(options)
    except UserError as error:
        print(f"python -m parity: {error}", file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
