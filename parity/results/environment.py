"""The environment of figures: versions, processor, threads, and what the frameworks do about precision."""

from __future__ import annotations

import re
from collections.abc import Iterable

import mlx.core as mx

import mlx_impl
from lyceum.runs import machine

COMMIT = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28}\b")  # shown by its first twelve digits

# Names for a reader, where the names of the record would not do.
NAMES = {
    "cpu": "processor",
    "threads": "cores",
    "torch_float32_matmul": "float32 products in PyTorch (highest: no TF32)",
    "git_revision": "revision",
    "mlx_blas": "BLAS of MLX",
}


def environment() -> dict[str, object]:
    """JSON-able values that may explain a difference in a last digit or in speed."""
    try:
        import torch
    except ImportError:  # a golden file needs none
        ours = {"torch_threads": None}
    else:
        ours = {
            "torch_threads": torch.get_num_threads(),
            "torch_float32_matmul": torch.get_float32_matmul_precision(),
        }
    versions = (machine.versions("torch") if len(ours) > 1 else {}) | machine.versions("mlx")
    return {
        "versions": versions,
        **machine.describe(),
        **ours,
        "mlx_device": str(mx.default_device()),
        "mlx_blas": mlx_impl.BLAS.reason,
    }


def line(environment: dict[str, object]) -> str:
    """An environment in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    return f"{versions}; {environment['cpu']}, {environment['torch_threads']} threads; {environment['mlx_blas']}"


def combined(environments: Iterable[dict]) -> dict[str, str]:
    """{name: value} of one or more environments, versions first; every value where they differ."""
    values = {}
    for record in environments:
        for key, value in (record.get("versions", {}) | record).items():
            if key not in ("record", "versions") and value not in (None, {}, [], ""):
                values.setdefault(NAMES.get(key, key.replace("_", " ")), {})[_text(value)] = None
    return {name: " | ".join(texts) for name, texts in values.items()}


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(x)}" for key, x in value.items())
    return ", ".join(map(_text, value)) if isinstance(value, list) else COMMIT.sub(r"\1", str(value))
