"""Which mistakes do people make when they port a layer? As records, a module for each module of a backend.

Each is an edit in the words of a backend's source (`parity.mutation.planting`). The tests fail for an edit whose old
text is gone: a fault that can no longer be planted proves nothing, so its record is renewed together with the layer.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

FAULTS = tuple(
    fault
    for module in sorted(module.name for module in walk_packages(__path__, f"{__name__}.") if not module.ispkg)
    for fault in import_module(module).FAULTS
)
