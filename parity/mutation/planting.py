"""Planting an edit in a backend: its source is changed in memory, and changed back.

A harness that has never been seen to fail proves nothing. So mistakes that people make are made on purpose, one at a
time, and the checks that concern the module must fail (mutation testing: DeMillo, Lipton, Sayward 1978).

A mistake is written as it would appear in a diff: the file, the old text, the new text. To plant it, the edited source
is compiled, and the code of its functions is put into the existing functions (`__code__`), so that it acts wherever
they have been imported or bound already. The old code is put back on exit.

A fault is caught by a failed verdict on a variant of its backend, never by an exception: a fault that crashes would be
noticed without a harness.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import FunctionType, ModuleType

from parity.results.verdict import Verdict

PACKAGES = {"torch": "torch_ref", "mlx": "mlx_impl"}


class Edit:
    """An edit of one module of a backend; what a fault and a harmless rewrite (`rewrites`) have in common.

    name: what it is called. note: the record's sentence about it. module: inside a backend, "baseline.norm". check:
    which checks concern it, see `parity.mutation.checks`. torch, mlx: the edit in that backend, (old text, new text),
    where the old text occurs exactly once in the module's source; None where it makes no sense.
    """

    name: str
    note: str
    module: str
    check: str
    torch: tuple[str, str] | None
    mlx: tuple[str, str] | None

    @contextmanager
    def planted(self, backend: str) -> Iterator[None]:
        """The backend so edited while the context lasts. Raises ValueError if the edit does not apply."""
        module, (old, new) = import_module(f"{PACKAGES[backend]}.{self.module}"), getattr(self, backend)
        source = inspect.getsource(module)
        if (count := source.count(old)) != 1:
            raise ValueError(f"{self.name}: {old!r} occurs {count} times in {module.__name__}: renew the record.")
        edited = ModuleType(module.__name__)
        exec(compile(source.replace(old, new), module.__file__, "exec"), vars(edited))
        changed = functions(edited)
        original = {name: f.__code__ for name, f in functions(module).items()}
        try:
            for name, function in functions(module).items():
                function.__code__ = changed[name].__code__
            yield
        finally:
            for name, function in functions(module).items():
                function.__code__ = original[name]


@dataclass(frozen=True)
class Fault(Edit):
    """A mistake that can be made in either backend. mistake: what a person would have done. The rest as in `Edit`.

    outside_training: why no training step shows it ("generation only"), "" if one does: localization must then point to
    its module.
    """

    name: str
    mistake: str
    module: str
    check: str
    torch: tuple[str, str] | None = None
    mlx: tuple[str, str] | None = None
    outside_training: str = ""

    @property
    def note(self) -> str:
        return self.mistake


def both(old: str, new: str) -> dict[str, tuple[str, str]]:
    """The same edit in both backends, as arguments of a record."""
    return {"torch": (old, new), "mlx": (old, new)}


def functions(module: ModuleType) -> dict[str, FunctionType]:
    """The functions and methods that a module itself defines, by qualified name, without their decorators."""
    owners = [module, *(x for x in vars(module).values() if inspect.isclass(x) and x.__module__ == module.__name__)]
    unwrapped = (inspect.unwrap(x) for owner in owners for x in vars(owner).values() if inspect.isfunction(x))
    return {f.__qualname__: f for f in unwrapped if f.__module__ == module.__name__}


def catch(
    fault: Fault, backend: str, checks: Callable[[str, int], Iterator[Verdict]], seeds: Iterable[int]
) -> Verdict | None:
    """The first failed verdict on a variant of the faulty backend; None if the fault survives.

    checks: (the fault's check, seed) -> verdicts, as `parity.mutation.checks.checks`.
    """
    # PyTorch's float64 gradient is the oracle of all others; itself it is compared with the reference's slope.
    variants = (backend, "reference slope") if backend == "torch" else (backend,)
    with fault.planted(backend):
        verdicts = (verdict for seed in seeds for verdict in checks(fault.check, seed))
        return next((verdict for verdict in verdicts if not verdict.ok and verdict.variant.startswith(variants)), None)
