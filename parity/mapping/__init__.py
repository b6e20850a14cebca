"""Which parameter of an MLX model is made of which parameters of a PyTorch model?

names      `match`, `Names`: values carried from PyTorch to MLX, gradients back
rules      what a user says about names, read
layouts    transposed, permuted, fused, part, tied, rearranged: which entry goes where
misfits    a sentence for everything that does not fit
"""

from parity.mapping.names import Arrays, Names, match

__all__ = ["Arrays", "Names", "match"]
