"""Sparse experts without a loop and without dropped tokens: tokens sorted by expert into blocks of equal width."""

from __future__ import annotations

import torch
from torch import Tensor


def blocks(expert: Tensor, experts: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sort N tokens by expert into blocks of `width` rows, each of one expert.

    expert (N,): each token's; experts (E,): 0 to E - 1. Returns each token's row (N,), each row's token (K, width),
    each block's expert (K,) and each expert's tokens (E,). K depends on the shapes alone; empty rows repeat token 0.
    """
    rank = (expert[:, None] == experts).cumsum(0)
    filled = (rank[-1] + width - 1) // width
    ends = filled.cumsum(0)
    row = (rank + ((ends - filled) * width - 1)).gather(1, expert[:, None])[:, 0]
    block = torch.arange((len(expert) + len(experts) * (width - 1)) // width, device=expert.device)
    token = row.new_zeros(len(block) * width).scatter(0, row, torch.arange(len(expert), device=expert.device))
    return row, token.view(-1, width), (block[:, None] >= ends[:-1]).sum(-1), rank[-1]
