"""The optimizer of a plan in MLX: one rule for each group of parameters, and the names of its state in a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_unflatten

from lyceum.personas.spec.plan import GROUPS
from mlx_impl.rates import rates_of
from mlx_impl.registry import build
from mlx_impl.stacked import Stacked


class Grouped(optim.MultiOptimizer):
    """A rule for each group of parameters. The groups are joined by name: MLX 0.32.4's tree_merge stops at two lists of
    different lengths if the longer one has an empty entry, which is a block that no rule of a group updates.
    """

    def __init__(self, optimizers: list[optim.Optimizer], filters: list[Callable], groups: list[str], plan):
        """groups: which group of parameters each of the optimizers updates, all of it or a part."""
        super().__init__(optimizers, filters)
        self.groups, self.plan, self.rates = groups, plan, None

    def init(self, parameters: dict) -> None:
        """Sets the initial state, that of the plan's rule for rates too."""
        super().init(parameters)
        self.rates = rates_of(self.plan, dict(tree_flatten(parameters)))

    @property
    def state(self) -> dict:
        """The state of every optimizer, and of the rule for rates."""
        rates = {} if self.rates is None else {"rates": self.rates.states, "origins": self.rates.origins}
        return super().state | rates

    def apply_gradients(self, gradients: dict, parameters: dict) -> dict:
        """The updated parameters that have a gradient."""
        if self.rates is not None:
            lr, named = self.learning_rate, (dict(tree_flatten(tree)) for tree in (parameters, gradients))
            rates = self.rates.follow(*named, lr)
            for group, optimizer in zip(self.groups, self.optimizers, strict=True):
                optimizer.state["learning_rate"] = rates.get(group, lr)
        groups = zip(self.optimizers, self._split_dictionary(gradients), strict=True)
        updated = (optimizer.apply_gradients(group, parameters) for optimizer, group in groups)
        return tree_unflatten([pair for tree in updated for pair in tree_flatten(tree)])


def optimizer_of(plan) -> tuple[optim.MultiOptimizer, dict[int, tuple[optim.Optimizer, ...]]]:
    """(the optimizer, {block that waits: the optimizers of it alone}), since it counts steps from its entry on."""
    recipe = plan.recipe
    # MLX's AdamW leaves out the bias correction unless asked, and decays whatever it is given.
    adamw = partial(optim.AdamW, recipe.peak_lr, list(recipe.betas), recipe.eps, bias_correction=True)
    hidden = [] if recipe.hidden is None else [Stacked(build(recipe.hidden), recipe.peak_lr)]
    groups = GROUPS[len(hidden) :]  # the hidden matrices are the first
    decays = [0.0 if group == "vectors" else recipe.weight_decay for group in groups]
    blocks = (*plan.waiting, None)  # None: all others
    others = {i: tuple(adamw(weight_decay=each) for each in decays) for i in blocks}
    filters = [plan.is_hidden for _ in hidden]
    filters += [partial(_belongs, plan, i, group) for i in blocks for group in groups]
    # The last optimizer has no filter: it takes what is left.
    optimizer = Grouped(
        [*hidden, *chain(*others.values())], filters[:-1], [*GROUPS[: len(hidden)], *groups * len(blocks)], plan
    )
    return optimizer, {i: others[i] for i in plan.waiting}


def moments(optimizer: optim.Optimizer) -> list[tuple[str, mx.array]]:
    """The state of each parameter, by its name in MLX's state, "norm.weight.m"; the step and the rate have no dot."""
    return [(name, value) for name, value in tree_flatten(optimizer.state) if "." in name]


def saved_name(name: str) -> str:
    """A moment's name in MLX's optimizer state -> in a checkpoint: "norm.weight.m" -> "optimizer.m.norm.weight"."""
    parameter, _, key = name.rpartition(".")
    return f"optimizer.{key}.{parameter}"


def _belongs(plan, block: int | None, group: str, name: str, p: mx.array) -> bool:
    """Whether a parameter is of that group, and of that block; None takes any."""
    return plan.group(name, p) == group and (block is None or name.startswith(f"blocks.{block}."))
