"""The exact mode: a context in which MLX's float64 is float64.

Why. The bridge compares algebra: two implementations, run in float64, must agree near 1e-12, so that any larger
difference is one of mathematics. On the CPU (the only place where MLX has float64) some of its float64 primitives are
float32 approximations inside (upstream issue mlx#3047), and such a comparison would drown at 1e-6. Inside

    with exact():
        ...            # a wing's own MLX code, unchanged

these primitives are carried out by accurate equivalents (`exact_functions`, `exact_layers`) wherever an argument is
float64; any other call goes to MLX's own primitive, so float32 results are bitwise the same.

How. The names in `mlx.core`, `mlx.core.fast` and the methods of `mx.array` are replaced on entry and put back on exit.
MLX's layers, losses and activations look these names up when called, and so take the exact route. Compiled functions
would not: their trace may hold the old primitives. So compilation is disabled inside, which makes every compiled
function run its Python source, and restored as it was found. Nesting is allowed; the effect is on the whole process, so
use one thread. Gradients must be taken inside as well; higher derivatives, `jvp` and `vmap` work.

Which, and how well (x86-64, MLX 0.32.4; relative error of value | derivative; after in units of u = 2^-53 = 1.1e-16):

    primitive      before               after         primitive      before               after
    exp            2e-7, 0 or inf (a)   3.3  | 3.3    softmax        2e-8  | 2e-8         1.2 | 1.8
    sin            wrong (b)            3.0  | 2.6    logsumexp      6e-9  | 7e-9         1.0 | 2.4
    cos            wrong (b)            2.8  | 2.9    logcumsumexp   4e-9  | 4e-8         1.1 | 6.3
    sigmoid        3e-6, 0 (c)          3.8  | 4.5    logaddexp      7e-10 | 4e-9         0.1 | 0.5
    erf            4e-4, 0 (d)          4.2  | (e)    layer_norm     1e-7  | 1e-7         1.0 | 2.5
    erfinv         2e-7                 8    | 12     rms_norm       6e-8  | 7e-8         0.9 | 1.6
    tan            1e-16 | 3e-4         1.0  | 2.7    rope           9e-8  | 1e-7         2.2 | 3.0
    tanh           2e-16 | 5e-16 (f)    2.2  | 4.5    attention      3e-8  | 5e-8         1.7 | 3.2
    expm1          1e-16 | 1 (f)        1.3  | 2.3    addmm          3e-8  | 4e-8         1.3 | 1.2
    log2, log10    1e-16 | 5e-8         1.0  | 2.3    conv1d/2d/3d   1e-6; grouped: none  1.1 | 1.6
                                                      gather_mm      none                 as matmul

(a) exp(100) is inf, exp(-200) is 0; (b) 5e-4 near zeros, no digit right beyond 1e5; (c) under -15; (d) below 1e-19;
(e) 2/sqrt(pi) exp(-x^2) carries the rounding of x^2: (x^2 + 8)u; (f) 1 - y^2 and 1 + y cancel: 1e-16 of 1, not of itself.

`REPLACED` is this list as records, each with the range and the bound that the tests hold it to; `LIMITATIONS` is what
stays inexact in float64, and why. Not reached: a primitive bound to another name before (`from mlx.core import exp`).
MLX's other float64 primitives, values and derivatives, were measured and are right to 1e-15.
"""
from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import mlx.core as mx

from . import exact_functions as fn
from . import exact_layers as layers


@dataclass(frozen=True)
class Replacement:
    """One primitive of `mlx.core` (dotted name) and how the exact mode carries it out for float64 arguments.

    `bound` and `slope_bound` are the relative errors allowed to value and derivative on what `tested` names, in units of
    u = 2^-53: counted roundings, entry by entry for elementwise functions, else relative to the largest entry.
    """

    name: str
    how: str
    tested: str
    bound: float
    slope_bound: float
    function: Callable


@dataclass(frozen=True)
class Limitation:
    """A float64 operation of MLX that the exact mode leaves as it is, its relative error, and the reason."""

    name: str
    error: float
    reason: str


# Elementwise bounds: see `exact_functions`. For the others, with at most n = 12 terms a sum, arguments below 16 in size
# and logits known to 16u each: exp 16 + 4, its sum n, one division and the product n more: 64; backward about twice that.
_EACH = "12 terms, arguments below 16"
REPLACED = (
    Replacement("exp", "from expm1", "-700 to 709.78 (9u to -708; subnormal to -745)", 4, 4, fn.exp),
    Replacement("sin", "tan x cos x", "size to 1e300, near every k pi/2 to 1e4", 6, 5, fn.sin),
    Replacement("cos", "1/sqrt(1 + tan^2 x)", "size to 1e300, near every k pi/2 to 1e4", 5, 6, fn.cos),
    Replacement("sigmoid", "from exp(-|x|)", "-700 to 700", 6, 13, fn.sigmoid),
    Replacement("erf", "Kummer's series, trapezoidal erfc beyond 3/2", "everywhere; derivative: size to 1", 12, 9, fn.erf),
    Replacement("erfinv", "two Newton steps with erf", "size to 0.9", 36, 108, fn.erfinv),
    Replacement("tan", "derivative 1 + tan^2", "size to 20, near every k pi/2 to 1e4", 2, 6, fn.tan),
    Replacement("tanh", "derivative from sigmoid", "size to 20", 4, 14, fn.tanh),
    Replacement("expm1", "derivative exp", "size to 40", 2, 4, fn.expm1),
    Replacement("log2", "derivative 1/(x ln 2)", "1e-300 to 1e300", 2, 3, fn.log2),
    Replacement("log10", "derivative 1/(x ln 10)", "1e-300 to 1e300", 2, 3, fn.log10),
    Replacement("logaddexp", "log1p, exp", _EACH, 8, 16, fn.logaddexp),
    Replacement("softmax", "definition", _EACH, 64, 128, layers.softmax),
    Replacement("logsumexp", "definition", _EACH, 64, 128, layers.logsumexp),
    Replacement("logcumsumexp", "logaddexp by doubling", _EACH, 64, 128, layers.logcumsumexp),
    Replacement("addmm", "definition, in double alpha and beta", _EACH, 64, 128, layers.addmm),
    Replacement("gather_mm", "take, then matmul", _EACH, 64, 128, layers.gather_mm),
    Replacement("conv1d", "one product per tap", _EACH, 64, 128, layers.convolution),
    Replacement("conv2d", "one product per tap", _EACH, 64, 128, layers.convolution),
    Replacement("conv3d", "one product per tap", _EACH, 64, 128, layers.convolution),
    Replacement("fast.layer_norm", "definition", _EACH, 64, 128, layers.layer_norm),
    Replacement("fast.rms_norm", "definition", _EACH, 64, 128, layers.rms_norm),
    Replacement("fast.rope", "definition; 3u per radian turned", "positions to 10", 64, 128, layers.rope),
    Replacement("fast.scaled_dot_product_attention", "definition", _EACH, 64, 128, layers.scaled_dot_product_attention),
    Replacement("fast.cross_entropy", "logsumexp", _EACH, 64, 128, layers.cross_entropy),
)

LIMITATIONS = (
    Limitation("fft.*", 1e-7, "there is no complex128: a float64 transform is answered in complex64"),
    Limitation("round(decimals=n)", 5e-8, "the power of ten is a float32"),
    Limitation("conv_general, conv_transpose1d/2d/3d, convolve", 1e-6, "float32 accumulators, not replaced"),
    Limitation("nan_to_num, hadamard_transform, quantized products", float("nan"), "MLX refuses float64"),
    Limitation("array(0.1), optimizers' learning_rate", 3e-8, "a Python float becomes float32 unless a dtype is given"),
    Limitation("fast.gated_delta_update, fast kernels of the user", float("nan"), "not measured"),
)

_originals: list[tuple[object, str, Callable]] = []  # what is replaced at this moment; empty outside the mode


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """Carry out the primitives in `REPLACED` accurately wherever an argument is float64; see the module."""
    if _originals:  # nested: the outermost context enters and leaves
        yield
        return
    compiled = _compiles()
    try:
        for owner, name, function in _places():
            original = getattr(owner, name)
            _originals.append((owner, name, original))
            setattr(owner, name, _by_dtype(original, function))
        mx.disable_compile()
        yield
    finally:
        while _originals:
            setattr(*_originals.pop())
        if compiled:
            mx.enable_compile()


def _places() -> Iterator[tuple[object, str, Callable]]:
    """Every (owner, attribute) to be replaced and by what: the functions, and the methods of arrays that mirror them."""
    for entry in REPLACED:
        *path, name = entry.name.split(".")
        yield functools.reduce(getattr, path, mx), name, entry.function
        if not path and name in vars(mx.array):
            yield mx.array, name, entry.function


def _by_dtype(original: Callable, accurate: Callable) -> Callable:
    """`accurate` for calls with a float64 array, `original` for all others; `stream` is honoured by both."""

    @functools.wraps(original)
    def primitive(*args, stream=None, **named):
        if not any(isinstance(a, mx.array) and a.dtype == mx.float64 for a in (*args, *named.values())):
            return original(*args, stream=stream, **named)
        with mx.stream(stream) if stream is not None else contextlib.nullcontext():
            return accurate(*args, **named)

    return primitive


def _compiles() -> bool:
    """Whether `mx.compile` is in force (MLX has no question for it): a compiled function is then traced only once."""
    traces = []
    probe = mx.compile(lambda x: (traces.append(x.shape), x)[1])
    probe(mx.array(0)), probe(mx.array(0))
    return len(traces) == 1
