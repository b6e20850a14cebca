"""`python -m calibration`: see the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import train_mps
from lyceum.contract import UserError
from lyceum.experiments.memory_gate import refit


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0, or that of a UserError after its one sentence."""
    parser = argparse.ArgumentParser("python -m calibration", description="Fit the gate of a persona's memory anew.")
    parser.add_argument("persona", help="whose memory")
    parser.add_argument("--backend", choices=("mlx", "torch"), default="torch", help="which backend trains the models")
    parser.add_argument("--iterations", type=int, default=refit.ITERATIONS, help="of each of the four models")
    parser.add_argument("--out", type=Path, help="where the gate is written (default: over the shipped one)")
    options = parser.parse_args(argv)
    try:
        refit.refit(options.persona, train_mps.FIXED, options.backend, options.out, options.iterations)
    except UserError as error:
        print(f"calibration: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
