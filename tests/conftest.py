"""One thread for every test: the tensors are tiny, and threads would only wait for each other."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import mlx_impl  # noqa: E402, F401 - lends MLX a fast BLAS, which works only before mlx.core is first imported
