"""The MLX backend: the same layers as `torch_ref`, in MLX's own idiom. It never imports PyTorch.

On a Linux CPU the first import lends MLX a fast BLAS where one lies at hand; `BLAS` says whether, and why.
"""

import os

from mlx_impl import blas

BLAS = blas.use_fast()
# Read when MLX starts: newer GPUs would otherwise round the factors of float32 products to 11 bits.
os.environ.setdefault("MLX_ENABLE_TF32", "0")
