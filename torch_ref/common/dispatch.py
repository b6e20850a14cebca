"""Sparse experts without a loop and without a lost token: tokens sorted by expert into blocks of equal width."""

from __future__ import annotations

import torch
from torch import Tensor


def blocks(own: Tensor, kinds: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sort N tokens by kind into blocks of `width` rows, each of one kind. own (N,): their kinds; kinds: 0 to E - 1.

    Returns each token's row (N,), each row's token (K, width), each block's kind (K,) and each kind's tokens (E,). K
    depends on the shapes alone; rows that stay empty repeat token 0.
    """
    rank = (own[:, None] == kinds).cumsum(0)
    filled = (rank[-1] + width - 1) // width
    ends = filled.cumsum(0)
    row = (rank + ((ends - filled) * width - 1)).gather(1, own[:, None])[:, 0]
    block = torch.arange((len(own) + len(kinds) * (width - 1)) // width, device=own.device)
    token = row.new_zeros(len(block) * width).scatter(0, row, torch.arange(len(own), device=own.device))
    return row, token.view(-1, width), (block[:, None] >= ends[:-1]).sum(-1), rank[-1]
