"""Are an MLX and a PyTorch implementation the same function at one input?

check        `parity.check`, for any pair;  strategies: over many inputs, drawn by hypothesis
pairing      modules and functions made a pair;  pair: the two implementations as one thing to evaluate
inputs       how a user describes them;  weights: PyTorch's, given ones, or those that each module has
verdicts     every variant against the oracle, probe by probe;  slope: the oracle's derivatives against differences
attempts     what can be computed at all, or why not
usage        what cannot be compared, in a sentence
"""
