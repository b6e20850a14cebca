"""PyTorch's side of a comparison as a file, so that a port is checked where PyTorch is not installed.

record     `parity.record`: evaluates a PyTorch module and writes the file
file       what is in it, written and read
side       the recorded side, instead of a `parity.sides.torch_side.TorchSide`
check      `parity.check(..., golden=FILE)`: an MLX module against the file
"""
