"""A decoder block of Llama, as `mlx-lm` and as `transformers` have it."""

import mlx_impl  # noqa: F401 - lends MLX a fast BLAS, which works only before mlx.core is first imported
