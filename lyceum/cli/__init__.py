"""The console script `lyceum`, also `python -m lyceum`: all that is done with runs but training them.

One file a subcommand, listed in `lyceum.cli.app`; each imports what it needs when it runs.
"""

from lyceum.cli.app import main

__all__ = ["main"]
