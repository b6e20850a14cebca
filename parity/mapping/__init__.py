"""Which parameter of an MLX model is made of which parameters of a PyTorch model?

names      `match`, `Names`: values carried from PyTorch to MLX, gradients back
rules      what a user says about names, read
layouts    transposed, permuted, fused, part, tied, rearranged: which entry goes where
computed   summed, weight_normed, computed: parameters that are computed, with their derivatives
conversion `converted`: all of this derived from a port's conversion;  labels: serial numbers;  naming: their layouts
loaded     the weights that each module has, compared
ignored    what is left out, each for a reason
misfits    a sentence for everything that does not fit
modules    `parity.propose_names`; `matched`, which proposes names where they are missing
proposals  names proposed from shapes, paths and values
"""

from parity.mapping.names import Arrays, Names, match

__all__ = ["Arrays", "Names", "match"]
