"""Which class of this backend implements which reference: the link from the mathematics to its PyTorch code.

    from lyceum.personas.aristotle import norm as reference

    @implements(reference.GoldenMean)
    class GoldenMean(nn.Module): ...

So an editor jumps from an implementation to its reference, and from a reference to its users. The modules of this
package are imported when the first implementation is built; no list names them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from torch import nn

import torch_ref

IMPLEMENTATIONS: dict[type, type] = {}


def implements(reference: type) -> Callable[[type], type]:
    """Register the decorated class as the implementation of `reference`. Raises ValueError if there is another."""

    def register(implementation: type) -> type:
        known = IMPLEMENTATIONS.setdefault(reference, implementation)
        # The harness compiles edited copies of a module; the class that is in use stays registered.
        if (known.__module__, known.__qualname__) != (implementation.__module__, implementation.__qualname__):
            raise ValueError(f"{reference.__qualname__} is implemented twice: by {known} and by {implementation}.")
        return implementation

    return register


@cache
def _import_all() -> None:
    for module in walk_packages(torch_ref.__path__, "torch_ref."):
        import_module(module.name)


def build(spec: Any) -> nn.Module:
    """The implementation of a reference, made from the same fields. Raises LookupError if this backend has none."""
    _import_all()
    if type(spec) not in IMPLEMENTATIONS:
        name = f"{type(spec).__module__}.{type(spec).__qualname__}"
        raise LookupError(
            f"torch_ref does not implement {name}: decorate a class with @implements({type(spec).__name__})."
        )
    return IMPLEMENTATIONS[type(spec)](**vars(spec))
