"""A decoder block of Llama, from `mlx-lm` and from `transformers`.

pair        the two blocks, wrapped so that both map the same input to the same output
mistakes    mistakes that people make in a port of it
check       the pair passes, and a mistake is localized: python -m examples.llama.check
"""

import mlx_impl  # noqa: F401 - gives MLX a fast BLAS, which works only before mlx.core is first imported
