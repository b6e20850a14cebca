"""Names and layouts derived by running a port's conversion, mlx-lm's `sanitize` say, on labelled arrays.

    parity.check(ours, theirs, inputs, names=parity.converted(ours.sanitize))
    parity.check(ours, theirs, inputs, names=parity.converted(ours.sanitize, saved=type(theirs).save_pretrained))

A conversion maps the arrays of a checkpoint, by name, to those that MLX loads. Here the arrays' entries are the serial
numbers of PyTorch's entries (`labels`), so what comes out says where each came from, or that it was computed. A
parameter that is computed (a sum of two biases) becomes a `computed` one, whose derivatives go through the conversion
itself. Nothing is taken from the conversion but this map; `match` examines it like one that was written by hand, so an
entry that the conversion forgets is reported.

With `saved`, the labels pass through the library's way of writing a checkpoint, which may rename and split.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlx.core as mx
import numpy as np

from lyceum.contract import UsageError
from lyceum.rng import stream
from parity.mapping.computed import computed, in_mlx
from parity.mapping.labels import Shapes, cut_serial, located
from parity.mapping.layouts import Target, tied
from parity.mapping.misfits import MismatchError, nearest
from parity.mapping.naming import named

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Conversion:
    """What `converted` returns, for the argument `names` of `parity.check`."""

    function: Callable[[dict[str, mx.array]], Any]
    saved: Callable[[Any, str], Any] | None = None

    def rules(self, mlx: Iterable[str], ignored: Collection[str], theirs: Any) -> dict[str, Target]:
        """{MLX name: what it is made of}, for the parameters of these names.

        ignored: MLX's other ones. theirs: PyTorch's side, or what a golden file has of it. Raises UsageError.
        """
        mlx, saved = tuple(mlx), theirs.stored()[1]
        state = {name: x.shape for name, x in (theirs.parameters() | theirs.buffers()).items() if name in saved}
        written = self._written(state, theirs)
        indices = located(lambda labels: self.run({name: labels[index] for name, index in written.items()}), state)
        missing = [f"the conversion makes no {name}{nearest(name, indices)}" for name in mlx if name not in indices]
        others = [name for name in indices if name not in mlx and name not in ignored]
        extra = [f"the conversion makes {name}, which MLX does not have{nearest(name, mlx)}" for name in others]
        if missing or extra:
            raise MismatchError(*missing, *extra)
        targets, used = {}, np.zeros(sum(map(np.size, cut_serial(state).values())), bool)
        for name in mlx:
            index = indices[name]
            if index is None:
                targets[name] = self._computed(name, state, written)
                continue
            target = named(index, cut_serial(state))
            again = used[index].any() or np.unique(index).size < index.size
            targets[name] = tied(target) if again else target
            used[index] = True
        return targets

    def run(self, arrays: Mapping[str, np.ndarray | mx.array]) -> dict[str, mx.array]:
        """The conversion of a checkpoint. Raises UsageError if it fails."""
        try:
            with mx.stream(mx.cpu):
                given = {n: x if isinstance(x, mx.array) else mx.array(x.astype(np.float32)) for n, x in arrays.items()}
                made = dict(self.function(given))
                return {n: x if isinstance(x, mx.array) else mx.array(np.asarray(x)) for n, x in made.items()}
        except Exception as error:  # whatever foreign code may raise
            line = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
            names = ", ".join(list(arrays)[:3])
            raise UsageError(
                f"the conversion does not run on arrays named as PyTorch's ({names}, ...): {line}; if a checkpoint "
                "has other names than the module, say how it is written, saved=type(module).save_pretrained."
            ) from error

    def _written(self, state: Shapes, theirs: Any) -> Arrays:
        """{name in the checkpoint: the serial numbers of its entries}"""
        if self.saved is None:
            return cut_serial(state)
        if not hasattr(theirs, "called"):
            raise UsageError("saved=... writes PyTorch's module, and a golden file has none: leave it out.")
        module = theirs.called.module
        indices = located(lambda labels: written(module, self.saved, state, labels), state)
        if computing := [name for name, index in indices.items() if index is None]:
            raise UsageError(f"writing the checkpoint changes the values of {computing[0]}: saved must only move them.")
        return indices

    def _computed(self, name: str, state: Shapes, written: Arrays) -> Target:
        """The parameter as a computation of MLX, of those of PyTorch's arrays on which it depends."""
        g, serial = stream(0, "parity-labels"), cut_serial(state)
        checkpoint = {key: named(index, serial) for key, index in written.items()}
        drawn = {key: mx.array(g.uniform(0.5, 1.5, shape).astype(np.float32)) for key, shape in state.items()}

        def made(arrays: dict[str, mx.array]) -> mx.array:
            return self.run({key: in_mlx(target, arrays) for key, target in checkpoint.items()})[name]

        with mx.stream(mx.cpu):
            weights = mx.array(g.normal(size=made(drawn).shape).astype(np.float32))
            slopes = mx.grad(lambda arrays: (made(arrays) * weights).sum())(drawn)
            sources = [key for key, slope in slopes.items() if (slope != 0).any().item()]
        if not sources:
            raise MismatchError(f"the conversion makes {name} of nothing that PyTorch has: ignore it, with the reason")

        def function(*arrays: mx.array) -> mx.array:
            return made(drawn | dict(zip(sources, arrays, strict=True)))

        return computed(*sources, function=function, words="by the conversion")


def converted(function: Callable[[dict], Any], *, saved: Callable[[Any, str], Any] | None = None) -> Conversion:
    """How MLX's parameters are made of PyTorch's, by the port's code; for `names` of `parity.check`.

    function: {name in the checkpoint: mx.array} -> {MLX name: mx.array}, or pairs of these, `model.sanitize` say. One
        that only moves entries may use NumPy.
    saved: (module, folder) -> writes the checkpoint of PyTorch's module there as safetensors,
    `type(module).save_pretrained` say; None: the checkpoint has the names and arrays of the module.
    """
    if not callable(function):
        raise UsageError(f"converted is given {function!r}: give a function of a dictionary of arrays, model.sanitize.")
    return Conversion(function, saved)


def written(module: Any, saved: Callable, shapes: Shapes, labels: np.ndarray) -> dict[str, mx.array]:
    """The checkpoint that `saved` writes of a copy of PyTorch's module whose entries are labels."""
    import torch

    labelled = copy.deepcopy(module).float()
    state = labelled.state_dict()
    with torch.no_grad():
        for name, index in cut_serial(shapes).items():
            state[name].copy_(torch.from_numpy(labels[index].astype(np.float32)))
    with TemporaryDirectory() as folder, mx.stream(mx.cpu):
        saved(labelled, folder)
        arrays = {name: x for name, x in read(Path(folder)) if mx.issubdtype(x.dtype, mx.floating)}
        mx.eval(arrays)  # before the folder is gone
        return arrays


def read(folder: Path) -> Iterator[tuple[str, mx.array]]:
    """The arrays of the safetensors files in a folder. Raises UsageError if there are none."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise UsageError("saved wrote no file *.safetensors into the folder that it was given.")
    for file in files:
        yield from mx.load(str(file)).items()
