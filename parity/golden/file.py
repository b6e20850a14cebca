"""The golden file: a safetensors file whose header says what its arrays are.

    parameter/NAME  buffer/NAME  input/NAME  cotangent/NAME  direction/NAME     the test point, float32 numbers
    truth/DTYPE/PROBE/NAME                                                      values and derivatives, float64

DTYPE is "float32" for the point in float32 numbers, which float64 variants share, or a lower precision to which the
point is rounded. The metadata "parity" is JSON: a `Header`. It holds a SHA-256 of everything else, so a file that was
damaged or edited is not compared with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors import numpy as safetensors

from lyceum.contract import UsageError
from lyceum.runs import files

FORMAT = 1
AGAIN = "record it anew with parity.record"
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Header:
    """What a golden file says besides its arrays.

    name: of the case. versions: of PyTorch and NumPy. dtypes: the precisions that may be compared. asked, probes: the
    probes that were asked for, and by DTYPE those of them that PyTorch computes at this point. batched: see `Point`.
    inputs: the tree of arguments, see `encoded`. deviations: {DTYPE: [[probe, name, deviation], ...]}. precisions: of
    PyTorch's parameters and buffers. saved: the names that a checkpoint has. outputs: the dtypes of PyTorch's outputs,
    by precision and name. narrow, constants: what PyTorch computes in single precision, and which buffers were made in
    it, see `parity.sides.torch_side`. verdicts, ignored: on PyTorch's side alone, as records.
    """

    name: str
    versions: dict[str, str]
    dtypes: list[str]
    asked: list[str]
    probes: dict[str, list[str]]
    batched: bool
    inputs: list
    deviations: dict[str, list]
    precisions: dict[str, str]
    saved: list[str]
    outputs: dict[str, dict[str, str]]
    narrow: str
    constants: list[str]
    verdicts: list[dict]
    ignored: list[dict]
    format: int = FORMAT


def write(path: str | PathLike, header: Header, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a golden file, completely or not at all. Raises UsageError if it cannot be written."""
    arrays = {key: np.ascontiguousarray(x).reshape(x.shape) for key, x in arrays.items()}
    text = json.dumps(asdict(header))
    data = safetensors.save(arrays, {"parity": text, "sha256": digest(text, arrays)})
    try:
        files.write(Path(path), data)
    except OSError as error:
        raise UsageError(f"cannot write {path} ({error.strerror or error}): choose another file.") from error


def read(path: str | PathLike) -> tuple[Header, Arrays]:
    """What `write` wrote. Raises UsageError, one sentence, for anything else."""
    if not Path(path).is_file():
        raise UsageError(f"there is no file {path}: write it with parity.record, where PyTorch is installed.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {key: file.get_tensor(key) for key in file.keys()} if "parity" in metadata else {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise UsageError(f"{path} is damaged or no safetensors file ({error}): {AGAIN}.") from error
    if "parity" not in metadata:
        raise UsageError(f"{path} was not written by parity.record, but is another safetensors file: {AGAIN}.")
    return parsed(path, metadata, arrays), arrays


def parsed(path: str | PathLike, metadata: Mapping[str, str], arrays: Arrays) -> Header:
    """The header in a file's metadata. Raises UsageError if it or the arrays are not what was written."""
    damaged = f"{path} is damaged, as its contents do not fit their checksum: {AGAIN}."
    try:
        values = json.loads(metadata["parity"])
        version = values.get("format")
    except (ValueError, AttributeError) as error:
        raise UsageError(damaged) from error
    if version != FORMAT:
        raise UsageError(f"{path} is a golden file of format {version}, and only format {FORMAT} is read: {AGAIN}.")
    if metadata.get("sha256") != digest(metadata["parity"], arrays) or values.keys() != {
        f.name for f in fields(Header)
    }:
        raise UsageError(damaged)
    return Header(**values)


def digest(text: str, arrays: Arrays) -> str:
    """SHA-256 of a header and of the arrays with names, dtypes and shapes."""
    total = hashlib.sha256(text.encode())
    for key in sorted(arrays):
        total.update(f"{key} {arrays[key].dtype.str} {arrays[key].shape}".encode())
        total.update(np.ascontiguousarray(arrays[key]).tobytes())
    return total.hexdigest()


def encoded(tree: Any, name: str) -> Any:
    """A tree of arguments as JSON: arrays by name. Raises UsageError for what JSON has no word for."""
    if hasattr(tree, "shape"):
        return {"array": name}
    if isinstance(tree, dict):
        return {"dict": [[key, encoded(x, below(name, key))] for key, x in tree.items()]}
    if type(tree) in (list, tuple):
        return {type(tree).__name__: [encoded(x, below(name, i)) for i, x in enumerate(tree)]}
    if tree is None or isinstance(tree, str | int | float):
        return {"value": tree}
    raise UsageError(f"{name} is {type(tree).__name__}: a golden file has arrays, numbers and trees of these only.")


def decoded(code: Mapping[str, Any], arrays: Arrays) -> Any:
    """The tree that `encoded` encoded."""
    ((word, value),) = code.items()
    if word == "array":
        return arrays[value]
    if word == "dict":
        return {key: decoded(x, arrays) for key, x in value}
    if word in ("list", "tuple"):
        return (list if word == "list" else tuple)(decoded(x, arrays) for x in value)
    return value


def below(name: str, key: Any) -> str:
    """The name of a branch, as in `parity.sides.trees`."""
    return f"{name}.{key}"
