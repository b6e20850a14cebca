"""How far may rounding carry a right computation?

rounding     measured: the computation is repeated with random rounding, and the change times a margin is the bound
operations   how each of PyTorch's operations rounds
envelope     measured where rounding is not seen: runs that start one unit in the last digit apart
decisions    where rounding may flip a decision: the mask of Aristotle's Muon near G = 0
"""
