"""Do a user's two training loops learn the same, step by step?

check       `check_training`: every verdict
run         a training run of either framework, from a given start
optimizers  MLX's optimizers in float64
"""

from parity.training_runs.check import check_training

__all__ = ["check_training"]
