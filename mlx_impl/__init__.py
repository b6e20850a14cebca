"""The MLX wing: the same rooms as `torch_ref`, in MLX's own idiom. It never imports PyTorch.

On a Linux CPU the first import lends MLX a fast BLAS where one lies at hand; `BLAS` says whether, and why.
"""

from mlx_impl import blas

BLAS = blas.use_fast()
