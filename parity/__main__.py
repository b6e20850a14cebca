"""The bridge on the command line: are two implementations the same function, and if not, where do they part?

    python -m parity                     every case and theorem of the project's layers, as a table
    python -m parity check attention     those whose names contain a word
    python -m parity localize A B        the first submodule in which an MLX and a PyTorch module part
    python -m parity mutants             can the checks fail, and do they cry wolf?
    python -m parity training            do whole training runs agree?
    python -m parity audit               would everything run on Apple's GPU?
    python -m parity bench               how fast is an iteration?
    python -m parity layer_benchmarks            what does a system cost beside the layer that it replaces?
    python -m parity quantizers RUN      what do fewer bits cost a trained run?
    python -m parity report              all of it on one HTML page

Each command says more about itself: python -m parity COMMAND --help. Your own pair of layers is checked from Python,
with parity.check; the guide is docs/check_your_port.md.

Exit status: 0 when everything is green, 1 when something is red (one sentence each), 2 for wrong arguments.
"""

from __future__ import annotations

import os
import sys

from lyceum.contract import UserError
from parity.cli.options import arguments


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    try:
        options = arguments(sys.argv[1:] if argv is None else argv, __doc__)
        # Small tensors: but for the bench, threads would only wait for each other.
        threads = getattr(options, "threads", 1)
        if threads is not None:
            # Read once, when MKL and OpenMP are first used, which happens below.
            os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        from parity.cli import commands

        return getattr(commands, options.command)(options)
    except UserError as error:
        print(f"python -m parity: {error}", file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
