"""The bridge: are two implementations the same function, and if not, where do they part?

    parity.check(mlx, torch, inputs)       any MLX module or function against any PyTorch one     (`parity.api`)
    parity.localise(mlx, torch, inputs)    the first submodule in which they part                 (`parity.forcing`)
    parity.check_optimizer(mlx, torch)     any two optimizers                                     (`parity.optimizers`)

For the project's own layers `python -m parity --help` teaches the command line. Inside:

    pair        two implementations       judge       the verdicts on a pair at one point
    rounding    how far rounding may carry a computation
    exact       MLX's float64, made float64, as exact_torch does for PyTorch
    training    whole training runs       theorems    what the definitions promise
    mutants     can the checks fail?      rewrites    do they cry wolf?
"""

from importlib import import_module

import mlx_impl  # noqa: F401 - lends MLX a fast BLAS, which works only before mlx.core is first imported

PUBLIC = {
    "check": "parity.api",
    "check_optimizer": "parity.optimizers",
    "localise": "parity.forcing",
    "in_float64": "parity.exactness",
    "integers": "parity.points",
    "transposed": "parity.layouts",
    "permuted": "parity.layouts",
    "fused": "parity.layouts",
    "part": "parity.layouts",
    "rearranged": "parity.layouts",
    "tied": "parity.layouts",
    "UsageError": "training.contract",
}
__all__ = list(PUBLIC)


def __getattr__(name: str):
    """The public names, imported when first asked for: the command line must set threads before PyTorch is."""
    if name not in PUBLIC:
        raise AttributeError(f"module 'parity' has no attribute {name!r}")
    return getattr(import_module(PUBLIC[name]), name)
