"""PyTorch's table of operators, and what it says about MPS.

`native_functions.yaml`, in every PyTorch wheel, lists for each operator the kernel of each device:

    - func: gelu(Tensor self, *, str approximate='none') -> Tensor
      structured_delegate: gelu.out          the kernels are those of gelu.out
      dispatch:
        CPU, CUDA, MPS: gelu_out             dispatch keys: kernel

Without a `dispatch`, or with a kernel for a Composite key only, an operator is made of others, each with its line. What
a composite does without dispatching (a view, an allocation) needs no kernel. The file uses so little of YAML that two
regular expressions read it. Which dtypes and shapes a kernel takes is not in the table.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import torchgen

from parity.mps_audit.records import ALLOWED

FILE = Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml"
EXPLICIT, IMPLICIT = "CompositeExplicitAutograd", "CompositeImplicitAutograd"


@cache
def table() -> dict[str, dict[str, str]]:
    """{"aten::gelu": {"CPU": kernel, "MPS": kernel, ...}} of every operator; {} where it is composite."""
    kernels, delegates = {}, {}
    for entry in re.split(r"^- func: ", FILE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        name = entry[: entry.index("(")]
        section = re.search(r"^  dispatch:.*\n((?:    .*\n)*)", entry, re.M)
        lines = re.findall(r"^    (\w[\w, ]*): (\w+)", section[1] if section else "", re.M)
        kernels[name] = {key: kernel for keys, kernel in lines for key in keys.split(", ")}
        if delegate := re.search(r"^  structured_delegate: (\S+)", entry, re.M):
            delegates[name] = delegate[1]
    return {f"aten::{name}": kernels[delegates.get(name, name)] | named for name, named in kernels.items()}


def serve(name: str) -> tuple[str, bool]:
    """How MPS serves the operator `name`, and whether it does."""
    if name in ALLOWED:
        return f"allowed: {ALLOWED[name]}", True
    kernels = table().get(name)
    if kernels is None:
        return "is not in PyTorch's operator table", False
    if "MPS" in kernels:
        return f"kernel {kernels['MPS']}", True
    if composite(name) or any(key.startswith(EXPLICIT) for key in kernels):
        return "made of others", True
    return f"has no MPS kernel, only {', '.join(kernels)}", False


def composite(name: str) -> str | None:
    """The dispatch key under which MPS would take the operator `name` apart; None if it does not."""
    kernels = table().get(name)
    if kernels is None or "MPS" in kernels:
        return None
    return next((key for key in (EXPLICIT, IMPLICIT) if key in kernels), None if kernels else IMPLICIT)
