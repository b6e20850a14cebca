"""Weights to codes and back: the state of a trainer in at most BUDGET bits a weight.

A tensor is divided by 2^exponent, the least power of two not below its greatest weight, flattened, filled up with zeros
to full blocks of 8 and appended to the tensors before it in its group. A tensor with an eighth of all the weights is a
group by itself, at the quantizer's `bits`; the remaining ones, few weights through which all tokens pass, share the
group OTHERS and get as many bits as the budget leaves. Which quantizer a persona has, its system "quantize" says.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable

import numpy as np

from lyceum import personas
from lyceum.contract import UsageError
from lyceum.personas.spec.quantizer import Quantizer
from lyceum.personas.spec.system import find
from lyceum.rng import stream
from lyceum.training.backends import PACKAGES

BUDGET, OVERHEAD = 4.5, 0.05  # bits a weight, and how much of it at least is reserved for everything but codes
HEADER, ENTRY = 4096, 96  # bytes of a header, and of a tensor in it, seldom more
LARGE = 1 / 8  # of all weights: a tensor of that size is a group by itself
OTHERS = "others"
ZERO = -100  # the exponent of a tensor of zeros
PIECE = 2048  # blocks encoded at once, so that they fit into a processor's cache

Arrays = dict[str, np.ndarray]
# (reference, method, array) -> array
Compute = Callable[[object, str, np.ndarray], np.ndarray]


def quantizer(persona: str) -> Quantizer:
    """The quantizer of a persona. Raises UsageError if it has none."""
    try:
        system = find(personas.find(persona), "quantize")
    except personas.PersonaError as error:
        having = [name for name, other in personas.PERSONAS.items() if any(s.quantizer for s in other.systems)]
        sentence = f"the persona {persona!r} has no quantizer: give a run of {' or '.join(having)}."
        raise UsageError(sentence) from error
    return system.quantizer


def computing(backend: str, device: str) -> Compute:
    """How the backend `backend` computes a method of a reference, piece by piece, on `device`."""
    functions = importlib.import_module(f"{PACKAGES[backend]}.arrays").functions

    def compute(spec: object, method: str, rows: np.ndarray) -> np.ndarray:
        call = functions(spec, device)
        return np.concatenate([call(method, rows[i : i + PIECE]) for i in range(0, len(rows), PIECE)])

    return compute


def quantize(state: Arrays, persona: str, seed: int, compute: Compute) -> tuple[dict[str, object], Arrays]:
    """(the record for the file's header, arrays) for the parameters "model.<name>" of a trainer's state.

    persona: whose quantizer. seed: of its random numbers. Raises UsageError if the persona has no quantizer.
    """
    by = quantizer(persona)
    matrices = {name: x for name, x in state.items() if name.startswith("model.") and x.ndim > 1}
    arrays = {name: x for name, x in state.items() if name.startswith("model.") and x.ndim <= 1}
    groups = {}
    besides = HEADER + ENTRY * (len(matrices) + len(arrays)) + sum(x.nbytes for x in arrays.values())
    for group, (names, bits) in _groups(matrices, by, besides).items():
        exponents = {name: _exponent(matrices[name]) for name in names}
        blocks = np.concatenate([_blocks(np.ldexp(matrices[name], -exponents[name]), by.block) for name in names])
        spec = by.fit(blocks, bits, stream(seed, _purpose(group)))
        arrays[f"{group}.codes"] = spec.pack(compute(spec, "encode", blocks))
        arrays |= {f"{group}.{table}": x for table, x in spec.tables().items()}
        tensors = [[name.removeprefix("model."), list(matrices[name].shape), exponents[name]] for name in names]
        groups[group] = {"bits": bits, "blocks": len(blocks), "tensors": tensors}
    return {"quantizer": persona, "groups": groups, "sha256": digest(arrays)}, arrays


def dequantize(record: dict, arrays: Arrays, compute: Compute) -> Arrays:
    """The parameters "model.<name>", float32, of what `quantize` returned."""
    by = quantizer(record["quantizer"])
    state = {name: x for name, x in arrays.items() if name.startswith("model.")}
    for group, about in record["groups"].items():
        tables = {name.removeprefix(f"{group}."): x for name, x in arrays.items() if name.startswith(f"{group}.")}
        codes = tables.pop("codes")
        spec = by.restored(tables, about["bits"])
        flat = compute(spec, "decode", spec.unpack(codes, about["blocks"])).reshape(-1)
        start = 0
        for name, shape, exponent in about["tensors"]:
            size = int(np.prod(shape))
            state[f"model.{name}"] = np.ldexp(flat[start : start + size].reshape(shape), exponent).astype(np.float32)
            start += -(-size // by.block) * by.block
    return state


def digest(arrays: Arrays) -> str:
    """SHA-256 (hex) of arrays, by name."""
    sha256 = hashlib.sha256()
    for name in sorted(arrays):
        sha256.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return sha256.hexdigest()


def _groups(matrices: Arrays, by: Quantizer, besides: int) -> dict[str, tuple[list[str], int]]:
    """{group: (its tensors, bits)}; besides: bytes of the file that are not codes."""
    count = sum(x.size for x in matrices.values())
    large = sorted(name for name, x in matrices.items() if x.size >= LARGE * count)
    others = sorted(matrices.keys() - set(large))
    groups = {name.removeprefix("model."): ([name], by.bits) for name in large}
    if others:
        share = sum(matrices[name].size for name in others) / count
        extra = by.extra_bits / by.block
        left = BUDGET - max(OVERHEAD, 8 * besides / count)
        left = (left - (1 - share) * (by.bits + extra)) / share - extra
        groups[OTHERS] = others, int(np.clip(left, by.bits, by.most_bits))
    return groups


def _purpose(group: str) -> str:
    # The address of the others' random numbers is older than the group's name; a new one would change every figure.
    return "quantize/small" if group == OTHERS else f"quantize/{group}"


def _exponent(x: np.ndarray) -> int:
    """The least e with |x| <= 2^e everywhere; for zeros, which no cell has in its middle, one that makes them tiny."""
    mantissa, exponent = np.frexp(np.abs(x).max(initial=0))
    if not mantissa:
        return ZERO
    return int(exponent) - int(mantissa == 0.5)


def _blocks(x: np.ndarray, size: int) -> np.ndarray:
    flat = x.reshape(-1)
    return np.pad(flat, (0, -len(flat) % size)).reshape(-1, size)
