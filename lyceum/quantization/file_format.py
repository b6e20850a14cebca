"""`quantized.safetensors`: a run's weights in few bits, which either backend reads.

    header   what `identity` says of the run, its step, and "quantized":
             quantizer  the persona whose quantizer wrote the codes
             groups     for each: bits, blocks (how many), tensors [[name, shape, exponent], ...]
             sha256     of all arrays but the plan's tables, by name, so that a flipped bit does not pass for a weight
    arrays   <group>.codes     uint8: the codes, as the quantizer packs them (Aristotle: bit planes, the most
                               significant first; Euclid: deflated)
             <group>.<table>   what the quantizer needs besides (Aristotle: centres and radii; Euclid: the half step)
             model.<name>      parameters of rank 0 or 1, as they are (float32)
             tables.<name>     the plan's tables, as in a checkpoint

docs/quantized_checkpoints.md has the bytes of each.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lyceum.personas.spec.names import split
from lyceum.quantization.codes import Arrays, Compute, dequantize, digest
from lyceum.runs import checkpoint
from lyceum.runs.checkpoint import CheckpointError

FILE_NAME = "quantized.safetensors"


def identity(of_checkpoint: dict[str, object]) -> dict[str, object]:
    """What `checkpoint.identity` says of a run, in few bytes: of its model the systems and a SHA-256."""
    model = of_checkpoint["model"]
    sha256 = hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()
    return of_checkpoint | {"model": {"systems": model["systems"], "sha256": sha256}}


def write(path: Path, header: dict[str, object], record: dict[str, object], arrays: Arrays, tables: Arrays) -> None:
    """Replace the file at `path` in one step. record, arrays: as `codes.quantize` returns them; tables: the plan's.

    Raises CheckpointError if that cannot be done.
    """
    tables = {f"tables.{name}": x for name, x in tables.items()}
    checkpoint.write(path, header | {"quantized": record}, arrays | tables)


def read(path: Path) -> tuple[dict, Arrays, Arrays]:
    """(header, arrays, the plan's tables) of the file at `path`. Raises CheckpointError, one sentence."""
    anew = f"make it anew with lyceum quantize {path.parent}"
    if not path.exists():
        raise CheckpointError(f"there is no quantized checkpoint {path}: make it with lyceum quantize {path.parent}.")
    try:
        header, arrays = checkpoint.read(path)
    except CheckpointError as error:
        raise CheckpointError(f"{path} is damaged, or of another program or version: {anew}.") from error
    tables, arrays = split(arrays, "tables")
    if "quantized" not in header:
        raise CheckpointError(f"{path} is not quantized: {anew}.")
    if header["quantized"]["sha256"] != digest(arrays):
        raise CheckpointError(f"{path} is damaged (its weights have another hash): {anew}.")
    return header, arrays, tables


def parameters(path: Path, compute: Compute) -> tuple[dict, Arrays, Arrays]:
    """(header, state, tables) of a quantized run; `trainer.write(trainer.read() | state)` loads it, in any backend."""
    header, arrays, tables = read(path)
    return header, dequantize(header["quantized"], arrays, compute), tables
