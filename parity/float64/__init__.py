"""How is a computation carried out in true float64, in a framework whose code and kernels fall back to float32?

mlx_mode     `exact()`: MLX's float64 primitives, carried out by accurate equivalents
functions    the elementwise ones;   layers: softmax, norms, attention, convolutions;   quantized: quantized products
records      what is replaced, with ranges and bounds; what stays inexact, and why
torch_mode   `exact_torch()`: PyTorch code that asks for float32 is given float64
both         `in_float64()`, for building a pair; whether PyTorch code casts at all
"""

from parity.float64.mlx_mode import exact, routed
from parity.float64.records import LIMITATIONS, REPLACED

__all__ = ["LIMITATIONS", "REPLACED", "exact", "routed"]
