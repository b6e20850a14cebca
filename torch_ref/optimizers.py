"""The optimizers of a plan in PyTorch: one rule for each group of parameters, and the names of their state."""

from __future__ import annotations

import torch
from torch import nn

from torch_ref.registry import build
from torch_ref.stacked import Stacked

MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}  # the checkpoint's names and AdamW's


def optimizers_of(plan, named: dict[str, nn.Parameter]) -> tuple[torch.optim.AdamW, Stacked | None]:
    """(AdamW, the recipe's rule for hidden matrices if it has one) of the parameters that are trained, by name."""
    recipe, hidden, others = plan.recipe, [], []
    for group, members in plan.grouped(named).items():
        decay = 0.0 if group == "vectors" else recipe.weight_decay
        alike = {"name": group, "params": [*members.values()], "weight_decay": decay}
        (hidden if plan.is_hidden(*next(iter(members.items()))) else others).append(alike)
    adamw = torch.optim.AdamW(others, recipe.peak_lr, recipe.betas, recipe.eps, fused=True)
    return adamw, Stacked(hidden, build(recipe.hidden), recipe.peak_lr) if hidden else None
