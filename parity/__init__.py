"""The parity harness: are two implementations the same function, and if not, where do they first diverge?

    parity.check(mlx, torch, inputs)       any MLX module or function against any PyTorch one     (`parity.compare`)
    parity.localize(mlx, torch, inputs)    the first submodule in which they diverge              (`parity.localize`)
    parity.record(torch, inputs, "x.safetensors")    PyTorch's side as a file, and then
    parity.check(mlx, golden="x.safetensors")        the same without PyTorch                     (`parity.golden`)
    parity.propose_names(mlx, torch)       how their parameters may correspond, to be confirmed  (`parity.mapping`)
    parity.check_optimizer(mlx, torch)     any two optimizers                                     (`parity.optimizers`)
    parity.check_generation(mlx, torch, x) the same text, token for token?                        (`parity.generation`)
    parity.check_decode(model, inputs)     a model with its cache against the text at once       (`parity.generation`)
    parity.check_quantized(mlx, torch)     quantized layers against their decoded weights        (`parity.quantized`)
    parity.check_training(mlx, torch, ..)  two training loops, step by step                 (`parity.training_runs`)
    parity.in_float64()                    to build a pair in true float64                        (`parity.float64`)

For the project's layers use the command line, `python -m parity --help`. The folders, from the ground up:

    results      what is a verdict, and how is it shown? records, tables, JUnit, one HTML page
    bounds       how far may rounding carry a right computation?
    float64      how is a computation carried out in true float64?
    mapping      which parameter of MLX's is made of which of PyTorch's?
    compare      are two implementations the same function at one input?
    golden       PyTorch's side as a file: is an MLX module the function that was recorded?
    optimizers   do two optimizers take the same steps?
    generation   do two models write the same text, and does a cache change nothing?
    quantized    do quantized layers compute with the weights that their bits encode?
    training_runs  do two training loops learn the same?
    project      do the project's layers, models, steps and training runs agree?
    localize     where do two implementations first diverge?
    mutation     do planted faults fail, and harmless rewrites pass?
    mps_audit    would everything run on Apple's GPU?
    bench        what does an iteration, a layer, a check cost?
    scaffold     what does a new system start from?
    cli          what can the command line be asked?

`plugin` is the fixture for tests with pytest; `brief` makes a mistake one sentence, without a traceback.
"""

import sys
from importlib import import_module
from types import ModuleType

import mlx_impl  # noqa: F401 - gives MLX a fast BLAS, which works only before mlx.core is first imported
from parity.brief import install

PUBLIC = {
    "check": "parity.compare.check",
    "check_optimizer": "parity.optimizers.check",
    "check_generation": "parity.generation.check",
    "check_decode": "parity.generation.decode",
    "check_quantized": "parity.quantized.check",
    "check_training": "parity.training_runs.check",
    "localize": "parity.localize",
    "propose_names": "parity.mapping.modules",
    "in_float64": "parity.float64.both",
    "integers": "parity.compare.inputs",
    "transposed": "parity.mapping.layouts",
    "permuted": "parity.mapping.layouts",
    "fused": "parity.mapping.layouts",
    "part": "parity.mapping.layouts",
    "rearranged": "parity.mapping.layouts",
    "tied": "parity.mapping.layouts",
    "summed": "parity.mapping.computed",
    "weight_normed": "parity.mapping.computed",
    "computed": "parity.mapping.computed",
    "converted": "parity.mapping.conversion",
    "record": "parity.golden.record",
    "UsageError": "lyceum.contract",
}
__all__ = list(PUBLIC)
install()


def __getattr__(name: str):
    """The public names, imported when first asked for: the command line must set threads before PyTorch is."""
    if name not in PUBLIC:
        raise AttributeError(f"module 'parity' has no attribute {name!r}")
    return getattr(import_module(PUBLIC[name]), name)


class _Package(ModuleType):
    """This package, in which `parity.localize` is the function, although importing the folder would bind it instead."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in PUBLIC or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
