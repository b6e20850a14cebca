"""The MLX backend: the same modules as `torch_ref`, in MLX's idiom. It never imports PyTorch.

    baseline/, aristotle/, euclid/    one entry per system, the same names as in `lyceum.personas`
    common/        what several of them share
    model.py       the model of a plan               registry.py    reference -> implementation
    trainer.py     training step, evaluation, state  alone.py       what it says of the model without a memory
    stacked.py     the optimizer of hidden matrices
    arrays.py      implementations on NumPy arrays   blas.py        a fast BLAS on Linux CPUs

On a Linux CPU the first import gives MLX a fast BLAS if PyTorch is installed; `BLAS` says whether, and why.
"""

import os

from mlx_impl import blas

BLAS = blas.use_fast()
# Read when MLX starts: newer GPUs would otherwise round the factors of float32 products to 11 bits.
os.environ.setdefault("MLX_ENABLE_TF32", "0")
