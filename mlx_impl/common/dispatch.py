"""Sparse experts without a loop and without a lost token: tokens sorted by expert into blocks of equal width."""

from __future__ import annotations

import mlx.core as mx


def blocks(own: mx.array, kinds: mx.array, width: int) -> tuple[mx.array, mx.array, mx.array, mx.array]:
    """Sort N tokens by kind into blocks of `width` rows, each of one kind. own (N,): their kinds; kinds: 0 to E - 1.

    Returns each token's row (N,), each row's token (K, width), each block's kind (K,) and each kind's tokens (E,). K
    depends on the shapes alone; rows that stay empty repeat token 0.
    """
    rank = (own[:, None] == kinds).astype(mx.int32).cumsum(0)
    filled = (rank[-1] + width - 1) // width
    ends = filled.cumsum(0)
    row = mx.take_along_axis(rank + ((ends - filled) * width - 1), own[:, None], axis=1)[:, 0]
    block = mx.arange((len(own) + len(kinds) * (width - 1)) // width)
    token = mx.zeros((len(block) * width,), row.dtype).at[row].add(mx.arange(len(own)))
    return row, token.reshape(-1, width), (block[:, None] >= ends[:-1]).sum(-1), rank[-1]
