"""Which parameter of an MLX model is made of which parameters of a PyTorch model?

names      `match`, `Names`: values carried from PyTorch to MLX, gradients back
rules      what a user says about names, read
layouts    transposed, permuted, fused, part, tied, rearranged: which entry goes where
misfits    a sentence for everything that does not fit
modules    `parity.propose_names`; `matched`, which proposes names where they are missing
proposals  names proposed from shapes, paths and values; proposal: the text to be pasted
likeness   of two names;  fits: which layout suits two shapes;  joins: several parameters in one
"""

from parity.mapping.names import Arrays, Names, match

__all__ = ["Arrays", "Names", "match"]
