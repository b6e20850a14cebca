"""The optimizer of a plan in MLX: one rule for each group of parameters, and the names of its state in a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_unflatten

from mlx_impl.registry import build
from mlx_impl.stacked import Stacked


class Grouped(optim.MultiOptimizer):
    """A rule for each group of parameters. The groups are joined by name: MLX 0.32.4's tree_merge stops at two lists of
    different lengths if the longer one has an empty entry, which is a block that no rule of a group updates.
    """

    def apply_gradients(self, gradients: dict, parameters: dict) -> dict:
        """The updated parameters that have a gradient."""
        groups = zip(self.optimizers, self._split_dictionary(gradients), strict=True)
        updated = (optimizer.apply_gradients(group, parameters) for optimizer, group in groups)
        return tree_unflatten([pair for tree in updated for pair in tree_flatten(tree)])


def optimizer_of(plan) -> tuple[optim.MultiOptimizer, dict[int, tuple[optim.Optimizer, ...]]]:
    """(the optimizer, {block that waits: the optimizers of it alone}), since it counts steps from its entry on."""
    recipe = plan.recipe
    # MLX's AdamW leaves out the bias correction unless asked, and decays whatever it is given.
    adamw = partial(optim.AdamW, recipe.peak_lr, list(recipe.betas), recipe.eps, bias_correction=True)
    hidden = [] if recipe.hidden is None else [Stacked(build(recipe.hidden), recipe.peak_lr)]
    decays = recipe.weight_decay, 0.0
    late = {i: tuple(adamw(weight_decay=each) for each in decays) for i in plan.waiting}
    optimizer = Grouped(
        [*hidden, *chain(*late.values()), adamw(weight_decay=recipe.weight_decay), adamw(weight_decay=0.0)],
        [*(plan.is_hidden for _ in hidden), *_late_filters(plan), lambda name, p: plan.decays(p)],
    )
    return optimizer, late


def moments(optimizer: optim.Optimizer) -> list[tuple[str, mx.array]]:
    """The state of each parameter, by its name in MLX's state, "norm.weight.m"; the step and the rate have no dot."""
    return [(name, value) for name, value in tree_flatten(optimizer.state) if "." in name]


def saved_name(name: str) -> str:
    """A moment's name in MLX's optimizer state -> in a checkpoint: "norm.weight.m" -> "optimizer.m.norm.weight"."""
    parameter, _, key = name.rpartition(".")
    return f"optimizer.{key}.{parameter}"


def _late_filters(plan) -> list[Callable[[str, mx.array], bool]]:
    """For each block that waits: which parameters are its decayed ones, and which are its others."""
    return [chosen for i in plan.waiting for chosen in (partial(_decayed, plan, i), partial(_in_block, i))]


def _decayed(plan, i: int, name: str, p: mx.array) -> bool:
    return _in_block(i, name, p) and plan.decays(p)


def _in_block(i: int, name: str, p: mx.array) -> bool:
    return name.startswith(f"blocks.{i}.")
