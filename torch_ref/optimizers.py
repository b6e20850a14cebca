"""The optimizers of a plan in PyTorch: one rule for each group of parameters, and the names of their state."""

from __future__ import annotations

import torch
from torch import nn

from torch_ref.registry import build
from torch_ref.stacked import Stacked

MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}  # the checkpoint's names and AdamW's


def optimizers_of(plan, named: dict[str, nn.Parameter]) -> tuple[torch.optim.AdamW, Stacked | None]:
    """(AdamW, the recipe's rule for hidden matrices if it has one) of the parameters that are trained, by name."""
    recipe = plan.recipe
    hidden = [p for name, p in named.items() if plan.is_hidden(name, p)]
    others = [p for name, p in named.items() if not plan.is_hidden(name, p)]
    groups = [
        {"params": [p for p in others if plan.decays(p)], "weight_decay": recipe.weight_decay},
        {"params": [p for p in others if not plan.decays(p)], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, recipe.peak_lr, recipe.betas, recipe.eps, fused=True)
    return adamw, Stacked(hidden, build(recipe.hidden), recipe.peak_lr) if hidden else None
