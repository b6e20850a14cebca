"""Updates: comparisons of what follows the gradients, as calls at which two implementations can diverge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from parity.optimizers import check_optimizer
from parity.results.localization import CallResult, deciding_verdict
from parity.results.verdict import Verdict
from parity.sides.test_point import Arrays

STEPS = 3  # after the first the rule shows, after the third its state


@dataclass(frozen=True)
class Update:
    """A comparison of updates from the same gradients. check: () -> verdicts, those on the first parameter first."""

    path: str
    method: str
    check: Callable[[], Iterable[Verdict]]

    def result(self) -> CallResult:
        """The result of the comparison."""
        verdicts = list(self.check())
        missing = tuple(f"{v.variant}, {v.what}: {v.limitation}" for v in verdicts if v.limitation)
        stages = {"update": deciding_verdict(verdicts)}
        return CallResult(self.path, self.method, f"{self.path}.{self.method}", stages, missing)


def optimizer_update(mlx: Any, torch: Callable, parameters: Arrays, seed: int) -> Update:
    """Two optimizers, as `check_optimizer` takes them, on parameters of these names and shapes, in this order."""
    shapes = {name: value.shape for name, value in parameters.items()}
    return Update("optimizer", "step", partial(check_optimizer, mlx, torch, shapes=shapes, steps=STEPS, seed=seed))
