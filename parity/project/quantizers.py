"""Every quantizer on one trained run: bits a weight, and what they cost in full_vloss.

Compared are the quantizers of the personas, as `lyceum quantize` uses them, and MLX's `mx.quantize` in plain groups:
every matrix in groups of 64 or 32 weights in a row, 4 bits a weight, a float16 scale and offset a group. All are
measured on the same blocks, so that differences are paired (`lyceum.quantization.measure`). Bits are those of all
arrays, without headers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import numpy as np

from lyceum.personas import PERSONAS
from lyceum.quantization import codes
from lyceum.quantization.measure import Losses
from lyceum.runs.reopen import reopen
from train_mps import FIXED

GROUPS, BITS = (64, 32), 4


@dataclass(frozen=True)
class Outcome:
    """name: the quantizer. bits: a weight. loss: full_vloss. difference, error: to the run's loss, and its error."""

    name: str
    bits: float
    loss: float
    difference: float
    error: float


def run(folder: str) -> Iterator[Outcome]:
    """Every quantizer on the run in `folder`. Raises UserError if it cannot be read."""
    reopened = reopen(FIXED, Path(folder))
    job = reopened.job
    compute = codes.computing(reopened.request.backend, job.trainer.device)
    state = {name: x for name, x in job.trainer.read().items() if name.startswith("model.")}
    count, losses = sum(x.size for x in state.values()), Losses(job)

    def outcome(name: str, bits: float, parameters: dict[str, np.ndarray]) -> Outcome:
        cost = losses.cost(parameters)
        return Outcome(name, bits, cost.after, cost.difference, cost.error)

    for persona in PERSONAS.values():
        if any(system.quantizer for system in persona.systems):
            record, arrays = codes.quantize(state, persona.name, job.seed, compute)
            bits = 8 * sum(x.nbytes for x in arrays.values()) / count
            yield outcome(record["quantizer"], bits, codes.dequantize(record, arrays, compute))
    for size in GROUPS:
        grouped = {name: groups(x, size) if x.ndim > 1 else (x, 32.0 * x.size) for name, x in state.items()}
        bits = sum(size_in_bits for _, size_in_bits in grouped.values()) / count
        yield outcome(f"mx.quantize, groups of {size}", bits, {name: x for name, (x, _) in grouped.items()})


def groups(x: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    """(x in BITS bits a weight and a float16 scale and offset for every `size` weights, how many bits that takes)."""
    exponent = int(np.frexp(np.abs(x).max())[1])  # so that float16 can represent the scales of tiny weights, too
    flat = np.ldexp(x, -exponent).reshape(-1)
    rows = mx.array(np.pad(flat, (0, -flat.size % size)).reshape(-1, size)).astype(mx.float16)
    with mx.stream(mx.cpu):
        decoded = mx.dequantize(*mx.quantize(rows, size, BITS), size, BITS).astype(mx.float32)
        values = np.array(decoded).reshape(-1)[: flat.size].reshape(x.shape)
    return np.ldexp(values, exponent), rows.size * (BITS + 32 / size)
