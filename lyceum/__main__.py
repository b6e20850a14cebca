"""`python -m lyceum`: the same as the console script `lyceum`."""

import sys

from lyceum.cli import main

if __name__ == "__main__":
    sys.exit(main())
