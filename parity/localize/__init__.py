"""Where do two implementations first diverge?

The outputs of two models differ, and the reason is somewhere among their hundred layers. Every layer behind it differs
too, since its inputs are wrong already; activations along the way show where errors have grown, not where they are
made. Forcing asks each layer by itself. Both models run once and every call of every submodule is recorded.
Then each call is repeated in both frameworks on the *same* inputs, those that PyTorch recorded: forward, and backward
from a random cotangent, in float64 and float32, within the bounds of `parity.compare`. Errors cannot travel then: a
call that fails is itself wrong.

Calls are taken in the order in which they ended, children before their parents. So the first that fails is the deepest
one, and where a parent fails while its children pass, the fault is in what it does between them. A call that fails is
not always to blame: where one framework does in a submodule what the other does around it (an embedding scaled inside,
or in the model), the work is *moved*, and nothing diverges (`blame`).

What follows the gradients is compared in the same way: the optimizer on given gradients, before the training step of
which it is a part.

    calls            recording: every call of every submodule
    paths            which submodule of MLX's corresponds to which of PyTorch's
    matching         which array of one call corresponds to which of another's
    axes             in which order their axes lie
    matched_calls    which call corresponds to which, argument by argument; how it is repeated
    paired_run       both models run once, their calls recorded and matched
    call_results     matched calls, repeated and compared
    between          what a call does besides calling others
    blame            which of the calls that fail are to blame
    updates          optimizers and training steps as calls
    references       models and inputs as a command line names them
    targets          what `localize` takes, from references or from a plan

Forcing is the idea of Williams & Zipser, "A learning algorithm for continually running fully recurrent neural
networks", Neural Computation 1 (1989): a network is given the right inputs instead of its earlier outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mlx import nn as mlx_nn
from torch import nn as torch_nn

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.brief import brief
from parity.compare.check import several
from parity.compare.inputs import arguments
from parity.compare.pair import Pair
from parity.compare.pairing import derived, paired
from parity.compare.usage import deterministic
from parity.compare.weights import weighted
from parity.localize.blame import Results
from parity.localize.paired_run import paired_run
from parity.localize.paths import Modules
from parity.localize.updates import Update, optimizer_update
from parity.results.localization import Localization
from parity.sides.test_point import Arrays, Point, draw_point
from parity.sides.variants import variants

ABOUT_THE_ORACLE = ("torch slope", "bound float64")  # verdicts on PyTorch alone: if these fail, each call is asked


@brief
def localize(
    mlx: mlx_nn.Module,
    torch: torch_nn.Module,
    inputs: Any,
    *,
    names: Any = None,
    modules: Modules | None = None,
    mlx_call: Callable | None = None,
    torch_call: Callable | None = None,
    parameters: Arrays | str | None = None,
    dtypes: tuple[str, ...] = ("float64", "float32"),
    optimizers: tuple[Any, Callable] | None = None,
    updates: Sequence[Update] = (),
    seed: int = 0,
    name: str | None = None,
) -> Localization:
    """Where do two models first diverge: in which submodule, forward, backward or in the update, and at which number?

    mlx, torch: modules; they are left as they were. inputs, names, mlx_call, torch_call, parameters, dtypes, seed,
    name: as in `parity.check`, which compares the same values and gradients at the same point. modules: which submodule
    of MLX's corresponds to which of PyTorch's where paths differ, see `paths`. optimizers: (MLX's, a function of the
    parameters that makes PyTorch's), as `parity.check_optimizer` takes them; they are compared on parameters of the
    model's shapes. updates: further comparisons of what follows the gradients.

    Raises UsageError, one sentence, for what cannot be compared.
    """
    chosen = tuple(variants(several(dtypes, "dtypes")))
    if not chosen:
        raise UsageError("dtypes is empty: name one or more of float64, float32, bfloat16, float16.")
    pair, point = models_and_point(mlx, torch, inputs, names, (mlx_call, torch_call), parameters, seed, name)
    run = paired_run(pair, point, modules)
    if optimizers:
        updates = (optimizer_update(*optimizers, point.parameters, seed), *updates)
    results = tuple(Results(pair, point, run.calls, chosen))
    if results[-1].failed_stage and results[-1].verdicts[results[-1].failed_stage].variant in ABOUT_THE_ORACLE:
        results = tuple(Results(pair, point, run.calls, chosen, oracle=True))
    return Localization((*results, *(update.result() for update in updates)), run.unpaired)


def models_and_point(
    mlx: Any,
    torch: Any,
    inputs: Any,
    names: Any,
    calls: tuple,
    parameters: Arrays | str | None,
    seed: int,
    name: str | None = None,
) -> tuple[Pair, Point]:
    """The pair and the point of `parity.check` with these arguments. Raises UsageError."""
    for model, base in ((mlx, mlx_nn.Module), (torch, torch_nn.Module)):
        if not isinstance(model, base):
            raise UsageError(f"{model!r} is no {base.__module__}.Module, and has no submodules: use parity.check.")
    pair = paired(mlx, torch, None, derived(names, mlx, parameters), *calls, name)
    generator = stream(seed, f"parity/{pair.name}")
    pair, values, _ = weighted(pair, parameters, generator)
    given = arguments(inputs, generator)
    outputs = deterministic(pair, Point(values, given, {}, {}))
    return pair, draw_point(values, given, outputs, generator, batched=False)
