"""The bridge: are two implementations the same function, and if not, where do they part?

    parity.check(mlx, torch, inputs)       any MLX module or function against any PyTorch one     (`parity.compare.check`)
    parity.localize(mlx, torch, inputs)    the first submodule in which they part                 (`parity.localize`)
    parity.check_optimizer(mlx, torch)     any two optimizers                                     (`parity.optimizers`)

For the project's own layers `python -m parity --help` teaches the command line. Inside:

    a comparison     pair, its two sides (torch_side, mlx_side), names, problem (the point), variants, judge, verdict
    a bound          rounding, operations, slope
    true float64     exact (MLX's), exact.pytorch, exact.both
    where            forcing: calls recorded, paired and repeated, submodule by submodule
    our own layers   layers, whole, step, training, theorems; registry names them all
    the proof        mutants (faults, harmless rewrites), audit (Apple's kernels), overhead
    what is seen     table, findings, report, page, junit; commands, tools and options make the command line
"""

from importlib import import_module

import mlx_impl  # noqa: F401 - lends MLX a fast BLAS, which works only before mlx.core is first imported

PUBLIC = {
    "check": "parity.compare.check",
    "check_optimizer": "parity.optimizers",
    "localize": "parity.localize",
    "in_float64": "parity.float64.both",
    "integers": "parity.compare.inputs",
    "transposed": "parity.mapping.layouts",
    "permuted": "parity.mapping.layouts",
    "fused": "parity.mapping.layouts",
    "part": "parity.mapping.layouts",
    "rearranged": "parity.mapping.layouts",
    "tied": "parity.mapping.layouts",
    "UsageError": "lyceum.contract",
}
__all__ = list(PUBLIC)


def __getattr__(name: str):
    """The public names, imported when first asked for: the command line must set threads before PyTorch is."""
    if name not in PUBLIC:
        raise AttributeError(f"module 'parity' has no attribute {name!r}")
    return getattr(import_module(PUBLIC[name]), name)
