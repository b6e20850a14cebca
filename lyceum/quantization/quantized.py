"""A run's weights in few bits: `quantized.safetensors`, which either backend reads.

    header   what `checkpoint.identity` says of the run, its step, and "quantized":
             quantizer  the module that wrote the codes, "personas.<persona>.quantize"
             groups     for each: bits, blocks (how many), tensors [[name, shape, exponent], ...]
             sha256     of all arrays, by name, so that a flipped bit does not pass for a weight
    arrays   <group>.codes              uint8: the codes, as the quantizer packs them (Aristotle: `lyceum.personas.model.bit_planes`, the
                                        most telling first; Euclid: deflated)
             <group>.<table>            what the quantizer keeps (Aristotle: centres and radii; Euclid: the half step)
             model.<name>               parameters of rank 0 or 1, as they are (float32)
             tables.<name>              the plan's tables, as in a checkpoint

A tensor is divided by 2^exponent, the least power of two not below its greatest weight, flattened, filled up with zeros
to whole blocks of 8 and laid behind the tensors before it in its group. A tensor with an eighth of all the weights is a
group by itself, at BITS; the others, few weights through which all tokens pass, share the group "small" and get as many
bits as the budget leaves. The quantizer of a persona is a module with

    BLOCK; BITS of a weight in a great tensor, MOST_BITS in a small one; EXTRA_BITS of a block beside them
    fit(blocks (n, 8) float32 in [-1, 1], bits, generator) -> spec;   restored(tables, bits) -> spec
    spec.encode({}, blocks) -> codes (n, columns) int32;  spec.decode({}, codes) -> blocks;  both in either backend
    spec.tables() -> arrays;   spec.pack(codes) -> uint8;   spec.unpack(uint8, n) -> codes
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lyceum.contract import UsageError
from lyceum.personas.spec.names import parted
from lyceum.rng import stream
from lyceum.runs import checkpoint
from lyceum.runs.checkpoint import CheckpointError
from lyceum.training.backends import PACKAGES

FILE_NAME = "quantized.safetensors"
BUDGET, OVERHEAD = 4.5, 0.05  # bits a weight, and how much of it at least is kept for everything but codes
HEADER, ENTRY = 4096, 96  # bytes of a header, and of a tensor in it, seldom more
GREAT = 1 / 8  # of all weights: a tensor of that size is a group by itself
ZERO = -100  # the exponent of a tensor of zeros
PIECE = 2048  # blocks encoded at once, so that what is in hand fits into a processor's cache

Arrays = dict[str, np.ndarray]
# (specification, method, array) -> array
Compute = Callable[[object, str, np.ndarray], np.ndarray]


def quantizer(persona: str):
    """The module that quantizes for a persona. Raises UsageError if it has none."""
    name = f"lyceum.personas.{persona}.quantize"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UsageError(f"the persona {persona!r} has no quantizer: give a run of aristotle or euclid.") from error


def computing(backend: str, device: str) -> Compute:
    """How the backend `backend` computes a method of a specification, piece by piece, on `device`."""
    functions = importlib.import_module(f"{PACKAGES[backend]}.arrays").functions

    def compute(spec: object, method: str, rows: np.ndarray) -> np.ndarray:
        call = functions(spec, device)
        return np.concatenate([call(method, rows[i : i + PIECE]) for i in range(0, len(rows), PIECE)])

    return compute


def quantize(state: Arrays, persona: str, seed: int, compute: Compute) -> tuple[dict[str, object], Arrays]:
    """("quantized" of the header, arrays) for the parameters "model.<name>" of a trainer's state."""
    own = quantizer(persona)
    matrices = {name: x for name, x in state.items() if name.startswith("model.") and x.ndim > 1}
    arrays = {name: x for name, x in state.items() if name.startswith("model.") and x.ndim <= 1}
    groups = {}
    beside = HEADER + ENTRY * (len(matrices) + len(arrays)) + sum(x.nbytes for x in arrays.values())
    for group, (names, bits) in _groups(matrices, own, beside).items():
        exponents = {name: _exponent(matrices[name]) for name in names}
        blocks = np.concatenate([_blocks(np.ldexp(matrices[name], -exponents[name]), own.BLOCK) for name in names])
        spec = own.fit(blocks, bits, stream(seed, f"quantize/{group}"))
        arrays[f"{group}.codes"] = spec.pack(compute(spec, "encode", blocks))
        arrays |= {f"{group}.{table}": x for table, x in spec.tables().items()}
        tensors = [[name[6:], list(matrices[name].shape), exponents[name]] for name in names]
        groups[group] = {"bits": bits, "blocks": len(blocks), "tensors": tensors}
    return {"quantizer": own.__name__, "groups": groups, "sha256": digest(arrays)}, arrays


def dequantize(record: dict, arrays: Arrays, compute: Compute) -> Arrays:
    """The parameters "model.<name>", float32, of what `quantize` returned."""
    own = importlib.import_module(record["quantizer"])
    state = {name: x for name, x in arrays.items() if name.startswith("model.")}
    for group, about in record["groups"].items():
        kept = {name.removeprefix(f"{group}."): x for name, x in arrays.items() if name.startswith(f"{group}.")}
        spec = own.restored({name: x for name, x in kept.items() if name != "codes"}, about["bits"])
        flat = compute(spec, "decode", spec.unpack(kept["codes"], about["blocks"])).reshape(-1)
        start = 0
        for name, shape, exponent in about["tensors"]:
            size = int(np.prod(shape))
            state[f"model.{name}"] = np.ldexp(flat[start : start + size].reshape(shape), exponent).astype(np.float32)
            start += -(-size // own.BLOCK) * own.BLOCK
    return state


def write(path: Path, header: dict[str, object], record: dict[str, object], arrays: Arrays, tables: Arrays) -> None:
    """Replace the file at `path` in one step. Raises CheckpointError if that cannot be done."""
    tables = {f"tables.{name}": x for name, x in tables.items()}
    checkpoint.write(path, header | {"quantized": record}, arrays | tables)


def read(path: Path) -> tuple[dict, Arrays, Arrays]:
    """(header, arrays, the plan's tables) of the file at `path`. Raises CheckpointError, one sentence."""
    if not path.exists():
        raise CheckpointError(f"there is no quantized checkpoint {path}: make it with --quantize {path.parent}.")
    try:
        header, arrays = checkpoint.read(path)
    except CheckpointError as error:
        raise CheckpointError(f"{path} is damaged or foreign: make it anew with --quantize {path.parent}.") from error
    tables, arrays = parted(arrays, "tables")
    if "quantized" not in header:
        raise CheckpointError(f"{path} is not quantized: make it anew with --quantize {path.parent}.")
    if header["quantized"]["sha256"] != digest(arrays):
        raise CheckpointError(f"{path} is damaged (its weights have another hash): make it anew with --quantize.")
    return header, arrays, tables


def parameters(path: Path, compute: Compute) -> tuple[dict, Arrays, Arrays]:
    """(header, state, tables) of a quantized run; `trainer.write(trainer.read() | state)` loads it into either backend."""
    header, arrays, tables = read(path)
    return header, dequantize(header["quantized"], arrays, compute), tables


def digest(arrays: Arrays) -> str:
    """SHA-256 (hex) of arrays, by name."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()


def _groups(matrices: Arrays, own, beside: int) -> dict[str, tuple[list[str], int]]:
    """{group: (its tensors, bits)}; beside: bytes of the file that are not codes."""
    count = sum(x.size for x in matrices.values())
    great = sorted(name for name, x in matrices.items() if x.size >= GREAT * count)
    small = sorted(matrices.keys() - set(great))
    groups = {name[6:]: ([name], own.BITS) for name in great}
    if small:
        share = sum(matrices[name].size for name in small) / count
        extra = own.EXTRA_BITS / own.BLOCK
        left = BUDGET - max(OVERHEAD, 8 * beside / count)
        left = (left - (1 - share) * (own.BITS + extra)) / share - extra
        groups["small"] = small, int(np.clip(left, own.BITS, own.MOST_BITS))
    return groups


def _exponent(x: np.ndarray) -> int:
    """The least e with |x| <= 2^e everywhere; for zeros, which no cell has in its middle, one that makes them tiny."""
    mantissa, exponent = np.frexp(np.abs(x).max(initial=0))
    if not mantissa:
        return ZERO
    return int(exponent) - int(mantissa == 0.5)


def _blocks(x: np.ndarray, size: int) -> np.ndarray:
    flat = x.reshape(-1)
    return np.pad(flat, (0, -len(flat) % size)).reshape(-1, size)
