"""Does a language model write the same text in both frameworks, and does its cache change nothing?

decode    `check_decode`: a text in parts, with a cache, against the same text at once, in one framework
check     `check_generation`: greedy generation in both frameworks, token for token
paths     the tokens that were written, under the oracle
cached    how a model is called with its cache
report    what `check_generation` returns
"""

from parity.generation.check import check_generation
from parity.generation.decode import check_decode

__all__ = ["check_decode", "check_generation"]
