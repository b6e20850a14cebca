"""The weights of a comparison: PyTorch's, given ones, or those that each module has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lyceum.contract import UsageError
from parity.compare.inputs import general, general_buffers
from parity.compare.pair import Pair
from parity.compare.pairing import as_loaded
from parity.mapping.loaded import loaded
from parity.results.verdict import Verdict
from parity.sides.test_point import Arrays


def weighted(
    pair: Pair, parameters: Arrays | str | None, generator: np.random.Generator
) -> tuple[Pair, Arrays, list[Verdict]]:
    """(the pair, the parameters of the comparison, the verdicts on weights as loaded). Raises UsageError."""
    if not as_loaded(parameters):
        return pair, valued(pair, parameters, generator), []
    theirs = pair.torch.parameters() | pair.torch.buffers()
    precisions = pair.mlx.precisions(), pair.torch.stored()[0]
    values, verdicts, names = loaded(pair.name, pair.names, pair.mlx.parameters(), theirs, *precisions)
    return replace(pair, names=names), values, verdicts


def valued(pair: Pair, parameters: Arrays | None, generator: np.random.Generator) -> Arrays:
    """The parameters of the comparison; buffers are set. Raises UsageError if those given are not PyTorch's."""
    theirs = pair.torch.parameters()
    if parameters is None:
        values = general(theirs, generator)
        pair.torch.moved |= general_buffers(pair.shared_buffers(), generator)
        return values
    differ = sorted(theirs.keys() ^ parameters.keys())
    differ += [key for key in theirs.keys() & parameters.keys() if theirs[key].shape != np.shape(parameters[key])]
    if differ:
        raise UsageError(f"parameters must have PyTorch's names and shapes: {', '.join(differ)} do not.")
    return {key: np.asarray(parameters[key], np.float32).astype(np.float64) for key in theirs}
