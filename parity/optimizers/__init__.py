"""Do an MLX optimizer and a PyTorch optimizer take the same steps?

check       `check_optimizer`: every verdict
inputs      the parameters and gradients that both are given
torch_run   PyTorch's optimizer, step by step, also with every rounding randomized
mlx_run     MLX's optimizer, step by step, in float32 and in float64
"""

from parity.optimizers.check import check_optimizer

__all__ = ["check_optimizer"]
