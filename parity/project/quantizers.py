"""Quantizers beside each other, on one trained run: bits a weight, and what they cost in full_vloss.

Those of the personas, as `--quantize` uses them, and plain groups, MLX's own `mx.quantize`: every matrix in groups of
64 or 32 weights in a row, 4 bits a weight, a float16 scale and offset a group. All are measured on the same blocks, so
that differences are paired (`lyceum.quantization.quantizing`). Bits are those of all arrays; headers are left out everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import mlx.core as mx
import numpy as np

from lyceum.quantization import quantized
from lyceum.quantization.quantizing import Losses, opened
from lyceum.training.console import Console
from train_mps import FIXED

PERSONAS, GROUPS, BITS = ("aristotle", "euclid"), (64, 32), 4


@dataclass(frozen=True)
class Outcome:
    """name: the quantizer. bits: a weight. loss: full_vloss. difference, error: to the run's own, and its error."""

    name: str
    bits: float
    loss: float
    difference: float
    error: float


def run(folder: str) -> Iterator[Outcome]:
    """Every quantizer on the run in `folder`. Raises UserError if it cannot be read."""
    job, compute, _ = opened(FIXED, {"quantize": folder}, Console(quiet=False))
    state = {name: x for name, x in job.trainer.read().items() if name.startswith("model.")}
    count, losses = sum(x.size for x in state.values()), Losses(job)

    def outcome(name: str, bits: float, parameters: dict[str, np.ndarray]) -> Outcome:
        found = losses.of(parameters)
        return Outcome(name, bits, found["full_vloss_after"], found["difference"], found["difference_se"])

    for persona in PERSONAS:
        record, arrays = quantized.quantize(state, persona, job.seed, compute)
        bits = 8 * sum(x.nbytes for x in arrays.values()) / count
        yield outcome(record["quantizer"], bits, quantized.dequantize(record, arrays, compute))
    for size in GROUPS:
        found = {name: groups(x, size) if x.ndim > 1 else (x, 32.0 * x.size) for name, x in state.items()}
        bits = sum(taken for _, taken in found.values()) / count
        yield outcome(f"mx.quantize, groups of {size}", bits, {name: x for name, (x, _) in found.items()})


def groups(x: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    """(x in BITS bits a weight and a float16 scale and offset for every `size` weights, how many bits that takes)."""
    exponent = int(np.frexp(np.abs(x).max())[1])  # so that float16 holds the scales of small weights, too
    flat = np.ldexp(x, -exponent).reshape(-1)
    rows = mx.array(np.pad(flat, (0, -flat.size % size)).reshape(-1, size)).astype(mx.float16)
    with mx.stream(mx.cpu):
        back = mx.dequantize(*mx.quantize(rows, size, BITS), size, BITS).astype(mx.float32)
        whole = np.array(back).reshape(-1)[: flat.size].reshape(x.shape)
    return np.ldexp(whole, exponent), rows.size * (BITS + 32 / size)
