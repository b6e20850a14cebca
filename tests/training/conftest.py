"""Makes `toy_wing` importable from the tests of this folder, and from the processes they start."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
