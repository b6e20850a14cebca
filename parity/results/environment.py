"""Where figures come from: versions, processor, threads, and what the frameworks do about precision."""

from __future__ import annotations

import mlx.core as mx
import torch

import mlx_impl
from lyceum.runs import machine


def environment() -> dict[str, object]:
    """JSON-able values that may explain a difference in a last digit or in speed."""
    return {
        "versions": machine.versions("torch") | machine.versions("mlx"),
        **machine.describe(),
        "torch_threads": torch.get_num_threads(),
        "torch_float32_matmul": torch.get_float32_matmul_precision(),
        "mlx_device": str(mx.default_device()),
        "mlx_blas": mlx_impl.BLAS.reason,
    }


def line(found: dict[str, object]) -> str:
    """An environment in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return f"{versions}; {found['cpu']}, {found['torch_threads']} threads; {found['mlx_blas']}"
