"""The exact mode of MLX: a context in which its float64 is float64.

Why. The harness compares algebra: two implementations, run in float64, must agree near 1e-12, so that any larger
difference is one of mathematics. On the CPU (only there has MLX float64) some of its float64 primitives are float32
approximations inside (upstream issue mlx#3047), and such a comparison would drown at 1e-6. Inside

    with exact():
        ...            # a backend's MLX code, unchanged

these primitives are carried out by accurate equivalents (`functions`, `layers`) wherever an argument is float64; any
other call goes to MLX's primitive, so float32 results are bitwise the same.

How. The names in `mlx.core`, `mlx.core.fast` and the methods of `mx.array` are replaced on entry and put back on exit.
MLX's layers, losses and activations look these names up when called, and so take the exact route. Compiled functions
would not: their trace may hold the old primitives. So compilation is disabled inside, which makes every compiled
function run its Python source, and enabled at the end if it was before. Nesting is allowed. The effect is on the
process, so use one thread. Gradients must be taken inside as well; higher derivatives, `jvp` and `vmap` work.

Which, and how well (x86-64, MLX 0.32.4; relative error of value | derivative; after in units of u = 2^-53 = 1.1e-16):

    primitive      before               after         primitive      before               after
    exp            2e-7, 0 or inf (a)   3.3 | 3.3     softmax        2e-8  | 2e-8         3.6 | 4.2
    sin            wrong (b)            3.0 | 2.6     logsumexp      6e-9  | 7e-9         1.2 | 3.8
    cos            wrong (b)            2.8 | 2.9     logcumsumexp   4e-9  | 4e-8         2.1 | 16
    sigmoid        3e-6, 0 (c)          3.8 | 4.5     logaddexp      7e-10 | 4e-9         0.1 | 0.5
    erf            4e-4, 0 (d)          4.2 | (e)     layer_norm     1e-7  | 1e-7         1.8 | 3.0
    erfinv         2e-7                 8   | 15      rms_norm       6e-8  | 7e-8         2.3 | 2.9
    tan            1e-16 | 3e-4         1.0 | 2.7     rope           9e-8  | 1e-7         2.2 | 3.0
    tanh           2e-16 | (f)          2.2 | 4.4     attention      3e-8  | 5e-8         2.5 | 9.3
    expm1          1e-16 | (f)          1.3 | 2.3     conv1d/2d/3d   1e-7, else none (g)  2.0 | 2.4
    log2, log10    1e-16 | 5e-8         1.0 | 2.3     addmm          3e-8  | 4e-8         1.3 | 2.3
    cross_entropy  float32 answer       0.1 | 2.0     gather_mm      none (g)             as matmul

(a) exp(100) is inf, exp(-200) is 0; (b) over 5e-4 near zeros, no digit right past 1e5; (c) under -15; (d) below 1e-19;
(e) 2/sqrt(pi) exp(-x^2) carries the rounding of x^2: (x^2 + 8)u; (f) 1 - y^2 and 1 + y cancel: right to 1e-16 absolute;
(g) MLX refuses gather_mm and strided or grouped convolutions in float64. Right half: relative to the largest entry.

`REPLACED` is this list as records, each with the range and the bound that tests check; `LIMITATIONS` is what stays
inexact in float64, and why (`records`). Not reached: a primitive bound to another name before (`from
mlx.core import exp`). MLX's other float64 primitives, values and derivatives, were measured: right to 1e-15.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator

import mlx.core as mx

from parity.float64.records import REPLACED

_originals: list[tuple[object, str, Callable]] = []  # (owner, name, function) while replaced; empty outside the mode


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """Carry out the primitives in `REPLACED` accurately wherever an argument is float64; see the module."""
    if _originals:  # nested: the outermost context enters and leaves
        yield
        return
    compiled = _compiles()
    try:
        for owner, name, function in _replacements():
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


def routed(function: Callable) -> Callable:
    """The replacement of one of MLX's functions while the mode is on; else the function itself.

    For a function that was taken before, as in `parity.check(mx.exp, torch.exp, ...)`.
    """
    return next((getattr(owner, name) for owner, name, original in _originals if original is function), function)


def _replacements() -> Iterator[tuple[object, str, Callable]]:
    """Every (owner, attribute) to be replaced, and by what: functions, and the methods of arrays that mirror them."""
    for entry in REPLACED:
        *path, name = entry.name.split(".")
        yield functools.reduce(getattr, path, mx), name, entry.function
        if not path and name in vars(mx.array):
            yield mx.array, name, entry.function


def _by_dtype(original: Callable, accurate: Callable) -> Callable:
    """`accurate` for calls with a float64 array, `original` for all others; both accept `stream`."""

    @functools.wraps(original)
    def primitive(*args, stream=None, **named):
        if not any(isinstance(a, mx.array) and a.dtype == mx.float64 for a in (*args, *named.values())):
            return original(*args, stream=stream, **named)
        with mx.stream(stream) if stream is not None else contextlib.nullcontext():
            return accurate(*args, **named)

    return primitive


def _compiles() -> bool:
    """Whether `mx.compile` is enabled, which MLX cannot be asked: a compiled function is then traced only once."""
    traces = []
    probe = mx.compile(lambda x: (traces.append(x.shape), x)[1])
    probe(mx.array(0)), probe(mx.array(0))
    return len(traces) == 1
