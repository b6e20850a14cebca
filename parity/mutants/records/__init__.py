"""The planted faults, as records: mistakes that people make when they port a layer, a module for each room.

Each is an edit in the words of a wing's source (`parity.mutants.faults`). An edit whose old text is gone makes the
suite red: a fault that can no longer be planted proves nothing, so its record is renewed together with the room.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

FAULTS = tuple(
    fault
    for module in sorted(module.name for module in iter_modules(__path__))
    for fault in import_module(f"{__name__}.{module}").FAULTS
)
