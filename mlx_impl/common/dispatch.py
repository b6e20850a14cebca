"""Sparse experts without a loop and without dropped tokens: tokens sorted by expert into blocks of equal width."""

from __future__ import annotations

import mlx.core as mx


def blocks(expert: mx.array, experts: mx.array, width: int) -> tuple[mx.array, mx.array, mx.array, mx.array]:
    """Sort N tokens by expert into blocks of `width` rows, each of one expert.

    expert (N,): each token's; experts (E,): 0 to E - 1. Returns each token's row (N,), each row's token (K, width),
    each block's expert (K,) and each expert's tokens (E,). K depends on the shapes alone; empty rows repeat token 0.
    """
    rank = (expert[:, None] == experts).astype(mx.int32).cumsum(0)
    filled = (rank[-1] + width - 1) // width
    ends = filled.cumsum(0)
    row = mx.take_along_axis(rank + ((ends - filled) * width - 1), expert[:, None], axis=1)[:, 0]
    block = mx.arange((len(expert) + len(experts) * (width - 1)) // width)
    token = mx.zeros((len(block) * width,), row.dtype).at[row].add(mx.arange(len(expert)))
    return row, token.reshape(-1, width), (block[:, None] >= ends[:-1]).sum(-1), rank[-1]
