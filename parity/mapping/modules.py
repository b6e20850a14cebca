"""Names of two modules: matched, or proposed to whoever has to say them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import mlx.nn
import numpy as np
from mlx.utils import tree_flatten

from lyceum.contract import UsageError
from parity.brief import brief
from parity.mapping.misfits import MismatchError
from parity.mapping.names import Arrays, Names, match
from parity.mapping.proposals.proposal import Proposal
from parity.mapping.proposals.search import propose
from parity.mapping.rules import Rules

if TYPE_CHECKING:  # not needed for a golden file
    import torch

_MLX = mlx.nn.Module  # the name below is that of an argument


@brief
def propose_names(mlx: mlx.nn.Module, torch: torch.nn.Module) -> Proposal:
    """Names for `parity.check(..., names=...)`, proposed from shapes, paths and values, see `proposals.search`.

    Print it and read it: it is a list of rules, ready to paste, each with its evidence and with what else it may be.
    Parameters whose names and shapes agree need none. Nothing is changed. Raises UsageError for what is no module.
    """
    from torch import nn as torch_nn

    for module, base in ((mlx, _MLX), (torch, torch_nn.Module)):
        if not isinstance(module, base):
            raise UsageError(f"{module!r} is no {base.__module__}.Module, and has no parameters to be named.")
    ours = {name: _numpy(x) for name, x in tree_flatten(mlx.parameters()) if mx.issubdtype(x.dtype, mx.floating)}
    theirs = {name: x.detach().double().cpu().numpy() for name, x in torch.named_parameters()}
    buffers = {name: x.double().cpu().numpy() for name, x in torch.named_buffers() if x.is_floating_point()}
    return propose(ours, theirs, buffers, duplicates(torch))


def matched(
    mlx: Arrays, torch: Mapping[str, np.ndarray], buffers: Arrays, names: Rules | None, module: Any = None
) -> Names:
    """`match` of the arrays of two modules. Raises MismatchError, with a proposal where names would mend it.

    module: PyTorch's; None: it is not here, and has no further names.
    """
    shapes = [{name: x.shape for name, x in arrays.items()} for arrays in (mlx, torch, buffers)]
    try:
        return match(shapes[0], shapes[1], names, shapes[2])
    except MismatchError as error:
        proposal = propose(mlx, torch, buffers, duplicates(module)) if names is None else Proposal((), (), ())
        if not proposal:
            raise
        raise MismatchError(*error.problems, proposal=str(proposal)) from None


def duplicates(module: Any) -> dict[str, str]:
    """The further names of a PyTorch module's parameters: {name: the one that `named_parameters` gives}."""
    if not hasattr(module, "named_parameters"):
        return {}
    first = {id(x): name for name, x in module.named_parameters()}
    every = module.named_parameters(remove_duplicate=False)
    return {name: first[id(x)] for name, x in every if first[id(x)] != name}


def _numpy(x: mx.array) -> np.ndarray:
    return np.array(x.astype(mx.float32)).astype(np.float64)
