"""A tiny decoder with a cache in each framework, and mistakes to make in it: for the tests of generation.

Embedding and learned positions, two layers of attention, a head. MLX's cache is an object with arrays of a fixed size,
made in float32 and overwritten; PyTorch's is a list of tuples that grow, and is returned.
"""

from __future__ import annotations

import mlx.core as mx
import mlx.nn
import torch

VOCABULARY, WIDTH, POSITIONS, LAYERS, BATCH = 13, 8, 64, 2, 2


class MlxCache:
    """Keys and values (layers, B, POSITIONS, d), filled up to `offset`."""

    def __init__(self, late: bool = False):
        self.arrays = [mx.zeros((LAYERS, BATCH, POSITIONS, WIDTH)) for _ in range(2)]
        self.offset, self.late = 0, late

    def update(self, layer: int, *new: mx.array) -> list[mx.array]:
        """All keys and values so far; late: without the new ones, unless there are no others."""
        end = self.offset + new[0].shape[1]
        for array, x in zip(self.arrays, new, strict=True):
            array[layer, :, self.offset : end] = x
        seen = self.offset if self.late and self.offset else end
        return [array[layer, :, :seen] for array in self.arrays]


class MlxAttention(mlx.nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (mlx.nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def __call__(self, x, cache, layer, upper_left=False):
        q, k, v = self.q(x), self.k(x), self.v(x)
        if cache is not None:
            k, v = cache.update(layer, k, v)
        rows, columns = q.shape[1], k.shape[1]
        shift = 0 if upper_left and rows > 1 else columns - rows
        seen = mx.arange(columns) <= mx.arange(rows)[:, None] + shift
        scores = mx.where(seen, q @ k.swapaxes(-1, -2) / WIDTH**0.5, -mx.inf)
        return mx.softmax(scores, axis=-1) @ v


class MlxDecoder(mlx.nn.Module):
    """ids (B, T) -> logits (B, T, V). shift: how far positions are off with a cache. upper_left: the mask's corner."""

    def __init__(self, shift: int = 0, upper_left: bool = False):
        super().__init__()
        self.embedding, self.positions = (mlx.nn.Embedding(n, WIDTH) for n in (VOCABULARY, POSITIONS))
        self.blocks = [MlxAttention() for _ in range(LAYERS)]
        self.head = mlx.nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.shift, self.upper_left = shift, upper_left

    def __call__(self, ids, cache=None):
        begin = 0 if cache is None else cache.offset + (self.shift if cache.offset else 0)
        x = self.embedding(ids) + self.positions(mx.arange(begin, begin + ids.shape[1]))
        for layer, block in enumerate(self.blocks):
            x = x + block(x, cache, layer, self.upper_left)
        if cache is not None:
            cache.offset += ids.shape[1]
        return self.head(x)


class TorchAttention(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (torch.nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, x, past):
        q, k, v = self.q(x), self.k(x), self.v(x)
        if past is not None:
            k, v = (torch.cat([old, new], 1) for old, new in zip(past, (k, v), strict=True))
        rows, columns = q.shape[1], k.shape[1]
        seen = torch.arange(columns) <= torch.arange(rows)[:, None] + columns - rows
        scores = (q @ k.mT / WIDTH**0.5).masked_fill(~seen, -torch.inf)
        return scores.softmax(-1) @ v, (k, v)


class TorchDecoder(torch.nn.Module):
    """ids (B, T), past -> (logits (B, T, V), past). shift: how far positions are off with a past."""

    def __init__(self, shift: int = 0):
        super().__init__()
        self.embedding, self.positions = (torch.nn.Embedding(n, WIDTH) for n in (VOCABULARY, POSITIONS))
        self.blocks = torch.nn.ModuleList(TorchAttention() for _ in range(LAYERS))
        self.head = torch.nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.shift = shift

    def forward(self, ids, past=None):
        begin = 0 if past is None else past[0][0].shape[1] + self.shift
        x, presents = self.embedding(ids) + self.positions(torch.arange(begin, begin + ids.shape[1])), []
        for i, block in enumerate(self.blocks):
            y, present = block(x, past[i] if past else None)
            x, presents = x + y, [*presents, present]
        return self.head(x), presents


def torch_decoder(shift: int = 0) -> TorchDecoder:
    """With random weights, the same ones always."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(3)
        return TorchDecoder(shift)


def call(model, x, cache):
    """For either model, `call` of the harness."""
    return model(x, cache)
