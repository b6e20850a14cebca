"""The bridge: are two implementations the same function, and if not, where do they part?

    parity.check(mlx, torch, inputs)       any MLX module or function against any PyTorch one     (`parity.api`)
    parity.localise(mlx, torch, inputs)    the first submodule in which they part                 (`parity.forcing`)
    parity.check_optimizer(mlx, torch)     any two optimizers                                     (`parity.optimizers`)

For the project's own layers `python -m parity --help` teaches the command line. Inside:

    a comparison     pair, its two sides (torch_side, mlx_side), names, problem (the point), legs, judge, verdict
    a bound          rounding, operations, slope
    true float64     exact (MLX's), exact.pytorch, exact.both
    where            forcing: calls recorded, paired and repeated, submodule by submodule
    our own layers   rooms, whole, step, training, theorems; registry names them all
    the proof        mutants (faults, harmless rewrites), audit (Apple's kernels), overhead
    what is seen     table, findings, report, page, junit; commands, tools and options make the command line
"""

from importlib import import_module

import mlx_impl  # noqa: F401 - lends MLX a fast BLAS, which works only before mlx.core is first imported

PUBLIC = {
    "check": "parity.api",
    "check_optimizer": "parity.optimizers",
    "localise": "parity.forcing",
    "in_float64": "parity.exact.both",
    "integers": "parity.points",
    "transposed": "parity.names.layouts",
    "permuted": "parity.names.layouts",
    "fused": "parity.names.layouts",
    "part": "parity.names.layouts",
    "rearranged": "parity.names.layouts",
    "tied": "parity.names.layouts",
    "UsageError": "training.contract",
}
__all__ = list(PUBLIC)


def __getattr__(name: str):
    """The public names, imported when first asked for: the command line must set threads before PyTorch is."""
    if name not in PUBLIC:
        raise AttributeError(f"module 'parity' has no attribute {name!r}")
    return getattr(import_module(PUBLIC[name]), name)
