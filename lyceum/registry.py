"""Which class of a backend implements which reference: the link from the mathematics to its MLX and PyTorch code."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType
from typing import Any


class Registry:
    """The implementations of one backend. package: the backend, `mlx_impl` or `torch_ref`.

    Its modules are imported when the first implementation is built; no list names them.
    """

    def __init__(self, package: ModuleType):
        self.package = package
        self.implementations: dict[type, type] = {}
        self._loaded = False

    def implements(self, reference: type) -> Callable[[type], type]:
        """Register the decorated class as the implementation of `reference`. Raises ValueError if there is another."""

        def register(implementation: type) -> type:
            known = self.implementations.setdefault(reference, implementation)
            # The harness compiles edited copies of a module; the class that is in use stays registered.
            if (known.__module__, known.__qualname__) != (implementation.__module__, implementation.__qualname__):
                raise ValueError(f"{reference.__qualname__} is implemented twice: by {known} and by {implementation}.")
            return implementation

        return register

    def load(self) -> None:
        """Import every module of the backend, once, so that all of them have registered."""
        if not self._loaded:
            for module in walk_packages(self.package.__path__, f"{self.package.__name__}."):
                import_module(module.name)
            self._loaded = True

    def build(self, spec: Any) -> Any:
        """The implementation of a reference, made from the same fields. Raises LookupError if this backend has none."""
        self.load()
        if type(spec) not in self.implementations:
            name = f"{type(spec).__module__}.{type(spec).__qualname__}"
            raise LookupError(
                f"{self.package.__name__} does not implement {name}: "
                f"decorate a class with @implements({type(spec).__name__})."
            )
        return self.implementations[type(spec)](**vars(spec))
