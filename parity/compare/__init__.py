"""Are an MLX and a PyTorch implementation the same function at one input?

check        `parity.check`, for any pair;  strategies: over many inputs, drawn by hypothesis
pair         the two implementations as one thing to evaluate;  torch_side, mlx_side: each of them
test_point   parameters, inputs, cotangents, directions;  inputs: how a user describes them;  trees: nested ones
variants     frameworks, precisions, compiled or not, devices
verdicts     every variant against the oracle, probe by probe;  slope: the oracle's gradient against differences
usage        what cannot be compared, in a sentence
"""
