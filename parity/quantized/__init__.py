"""Do the quantized layers of an MLX model compute with the weights that their bits encode?

check     `check_quantized`: every verdict;  outputs: of layers and models
layers    the quantized layers of a model, and their weights decoded
"""

from parity.quantized.check import check_quantized

__all__ = ["check_quantized"]
