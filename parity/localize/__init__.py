"""Teacher forcing: where do two implementations part?

The outputs of two models differ, and somewhere among their hundred layers is the reason. Every layer behind it differs
too, since it reads what came out wrong; to compare activations along the way shows where errors have grown, not where
they are made. Teacher forcing asks each layer by itself. Both models run once and every call of every submodule is
recorded (`teaching`). Then every pair of calls is repeated in both frameworks on the *same* inputs, those that
PyTorch recorded: forward, and backward from a random cotangent, in float64 and float32, held to the bounds of
`parity.compare.compare`. Errors cannot travel then: whoever is red is guilty.

Calls are taken in the order in which they ended, children before their parents. So the first red one lies as deep as
the record goes, and a parent that is red while its children are green has the fault in what it does between them.

What follows the gradients is compared in the same spirit (`updates`): the optimizer on given gradients, before
the training step of which it is a part.

Forcing is the idea of Williams & Zipser, "A learning algorithm for continually running fully recurrent neural
networks", Neural Computation 1 (1989): what a network is fed is the teacher's, not its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from mlx import nn as mlx_nn
from torch import nn as torch_nn

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.bounds.rounding import Deviations, retry_with_more_samples
from parity.compare.check import paired, valued
from parity.compare.compare import Oracle, against, conditioned
from parity.compare.inputs import arguments
from parity.compare.mlx_side import MlxSide
from parity.compare.pair import Pair
from parity.compare.test_point import Arrays, Point, draw_point
from parity.compare.torch_side import TorchSide
from parity.compare.usage import deterministic
from parity.compare.variants import ORACLE, variants
from parity.localize.calls import ROOT, Call
from parity.localize.first_divergence import Localization, Place, chosen
from parity.localize.matched_calls import MatchedCalls
from parity.localize.paired_run import paired_run
from parity.localize.paths import Modules, held
from parity.localize.updates import Update, stepping
from parity.results.verdict import Verdict

VARIANTS = tuple(variants(("float64", "float32")))


class Within(TorchSide):
    """A part of a larger module: parameters that a point does not name keep their values."""

    def _functional(self, tensors: dict[str, torch.Tensor], inputs: tuple) -> Any:
        return torch.func.functional_call(self.called, {f"module.{name}": x for name, x in tensors.items()}, inputs)


def places(pair: Pair, point: Point, calls: Iterable[MatchedCalls]) -> Iterator[Place]:
    """Every pair of calls, judged when it is asked for, and at the end the models as they are used."""
    yield from (place(pair, point, found) for found in calls)
    yield judged(ROOT, pair, point, ())


def place(models: Pair, whole: Point, found: MatchedCalls) -> Place:
    """A pair of calls, judged as a pair of its own."""
    call, root = found.mlx, models.torch.called.module
    if found.reason:
        return Place(call.path, call.method, str(call), {}, found.missing, found.reason)
    part = root.get_submodule(found.torch.path)
    names, parameters = held(call.path, part, root, models.names, whole.parameters)
    pair = Pair(str(call), Within(root, found.call_torch), MlxSide(models.mlx.module, found.call_mlx), names)
    point = draw_point(parameters, found.inputs, found.answers(), stream(0, f"forcing/{call}"), batched=False)
    return judged(call, pair, point, found.missing)


def judged(call: Call, pair: Pair, point: Point, missing: tuple[str, ...]) -> Place:
    """A pair as a place: forward and backward, forward alone where a framework has no gradient, or why neither."""
    for kind in ("gradient", "value"):
        try:
            verdicts, blind = held_to(pair, point, kind)
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            missing += (f"{kind}: {(str(error) or type(error).__name__).splitlines()[0]}",)
        else:
            # A parameter may be called output.weight; no parameter's name has a space.
            stages = {True: [], False: []}
            for verdict in verdicts:
                stages[verdict.what.partition(" ")[0] == "output"].append(verdict)
            found = {"forward": chosen(stages[True]), "backward": chosen(stages[False])}
            found = {stage: verdict for stage, verdict in found.items() if verdict}
            return Place(call.path, call.method, str(call), found, (*missing, *blind))
    return Place(call.path, call.method, str(call), {}, missing, "; ".join(missing[-2:]))


def held_to(pair: Pair, point: Point, kind: str) -> tuple[list[Verdict], list[str]]:
    """(the verdicts on a probe, what float64 is too coarse to judge)."""
    truth = pair.probe(ORACLE, kind, point)
    got = {variant: pair.probe(variant, kind, point) for variant in VARIANTS}
    rounded = Deviations(lambda: pair.torch.tensors((kind,), point))

    def judged(deviation: dict[tuple[str, str], float]) -> Iterator[Verdict]:
        for variant in VARIANTS:
            yield from against(pair.name, variant, kind, got[variant], truth, deviation)

    verdicts = retry_with_more_samples(rounded, judged)
    deviation = rounded.of(rounded.drawn)
    blind = [v for v in conditioned(pair, Oracle(truth, {}, deviation)) if not v.ok]
    return verdicts, [f"{v.what}: too ill-conditioned for float64 to tell" for v in blind]


def compared(mlx: Any, torch: Any, inputs: Any, names: Any, calls: tuple, parameters: Arrays | None, seed: int):
    """(the pair, the point) of `parity.check` with these arguments. Raises UsageError."""
    for target, kind in ((mlx, mlx_nn.Module), (torch, torch_nn.Module)):
        if not isinstance(target, kind):
            raise UsageError(f"{target!r} is no {kind.__module__}.Module, and has no submodules: use parity.check.")
    pair = paired(mlx, torch, None, names, *calls, None)
    generator = stream(seed, f"parity/{pair.name}")
    values, given = valued(pair, parameters, generator), arguments(inputs, generator)
    outputs = deterministic(pair, Point(values, given, {}, {}))
    return pair, draw_point(values, given, outputs, generator, batched=False)


def localize(
    mlx: mlx_nn.Module,
    torch: torch_nn.Module,
    inputs: Any,
    *,
    names: Any = None,
    modules: Modules | None = None,
    mlx_call: Callable | None = None,
    torch_call: Callable | None = None,
    parameters: Arrays | None = None,
    optimizers: tuple[Any, Callable] | None = None,
    updates: Sequence[Update] = (),
    seed: int = 0,
) -> Localization:
    """Where do two models part first: in which submodule, forward, backward or in the update, and at which number?

    mlx, torch: modules, left as they were found. inputs, names, mlx_call, torch_call, parameters, seed: as in
    `parity.check`. modules: which submodule of MLX's is which of PyTorch's, where paths differ, see `paths`.
    optimizers: (MLX's, a function of the parameters that makes PyTorch's), as `parity.check_optimizer` takes them; they
    are tried on parameters of the model's shapes. updates: further comparisons of what follows the gradients.

    Raises UsageError, one sentence, for what cannot be compared.
    """
    pair, point = compared(mlx, torch, inputs, names, (mlx_call, torch_call), parameters, seed)
    torch_calls = paired_run(pair, point, modules)
    if optimizers:
        updates = (stepping(*optimizers, point.parameters, seed), *updates)
    found = (*places(pair, point, torch_calls.calls), *(update.place() for update in updates))
    return Localization(found, torch_calls.unpaired)
