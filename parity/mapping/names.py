"""Values carried from a PyTorch model's parameters to an MLX model's, and gradients carried back.

Every MLX parameter is a selection of PyTorch's entries (`layouts`): with all entries in one long vector t, it is
S t for a matrix S of zeros and ones with a single 1 in each row. The layout is run once on the serial numbers 0, 1, ...
of the entries, and what comes out is S, as an index array. Then

    values      PyTorch -> MLX    m = S t       a gather
    gradients   MLX -> PyTorch    g = S^T h     a scatter that adds

and since dL/dt = S^T dL/dm by the chain rule, the second is right wherever the first is: for permutations, splits and
fusions, and for tied weights, whose several gradients add.

Nothing is guessed. A parameter is made of the one of the same name, or of what the user says (`rules`). Every entry of
every PyTorch parameter must be used, and only once unless a further use says `tied`. Buffers may be used and need not
be. A shape that would fit transposed is an error with a hint. And a layout is tried on random labels besides the serial
numbers: whatever adds, sorts, pads or rounds is noticed, because it does not commute with renumbering.

A parameter that is computed on purpose (`computed`) has no such S. MLX is then given PyTorch's arrays as they are, as
"source <name>", computes the parameter itself (`built`), and is differentiated by the sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import mlx.core as mx
import numpy as np

from lyceum.rng import stream
from parity.mapping.computed import computes, in_mlx, influences, shifted, values
from parity.mapping.layouts import Target, arranged, leaves, tied_leaves
from parity.mapping.misfits import MismatchError, misused, nearest, remedy
from parity.mapping.rules import Rules, read

Arrays = dict[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]
SOURCE = "source "  # begins the name of an array of PyTorch's that MLX is given as it is


@dataclass(frozen=True, eq=False)
class Names:
    """The map, made by `match`.

    targets: MLX name -> a PyTorch name or a layout. indices: MLX name -> int64 of the MLX parameter's shape, positions
    in the target's leaves, flattened and laid end to end; of the parameters that are moved, not computed. shapes: of
    PyTorch's parameters and buffers.
    trained: PyTorch's parameters, which have gradients; its buffers do not.
    """

    targets: dict[str, Target]
    indices: Arrays
    shapes: Shapes
    trained: frozenset[str]

    def to_mlx(self, torch_arrays: Mapping[str, np.ndarray]) -> Arrays:
        """Every MLX parameter, from PyTorch's parameters and the buffers used. Copies of the same dtypes."""
        made = {name: values(target, torch_arrays) for name, target in self.computed().items()}
        return {name: self.gathered(name, torch_arrays) for name in self.indices} | made

    def for_mlx(self, torch_arrays: Mapping[str, np.ndarray]) -> Arrays:
        """What MLX is differentiated by: the parameters that are moved, and the sources of those it computes."""
        sources = dict.fromkeys(leaf for target in self.computed().values() for leaf in leaves(target))
        moved = {name: self.gathered(name, torch_arrays) for name in self.indices}
        return moved | {f"{SOURCE}{leaf}": torch_arrays[leaf] for leaf in sources}

    def built(self, given: dict[str, mx.array]) -> dict[str, mx.array]:
        """Every MLX parameter, of the arrays of `for_mlx`."""
        sources = {name.removeprefix(SOURCE): x for name, x in given.items() if name.startswith(SOURCE)}
        moved = {name: x for name, x in given.items() if not name.startswith(SOURCE)}
        return moved | {name: in_mlx(target, sources) for name, target in self.computed().items()}

    def computed(self) -> dict[str, Target]:
        """The targets that compute."""
        return {name: target for name, target in self.targets.items() if name not in self.indices}

    def with_values(self, fixed: Mapping[str, np.ndarray]) -> Names:
        """The same map, by which the MLX parameters in `fixed` have these values, whatever PyTorch's are."""
        targets = self.targets | {name: shifted(self.targets[name], x) for name, x in fixed.items()}
        return replace(self, targets=targets, indices={n: i for n, i in self.indices.items() if n not in fixed})

    def to_torch(self, mlx_gradients: Mapping[str, np.ndarray]) -> Arrays:
        """Gradients by PyTorch name, float64, of those by MLX name; an absent one contributes nothing.

        A PyTorch parameter to which none of the given gradients contributes is left out, and so are buffers.
        KeyError for a name that is not an MLX parameter's.
        """
        gradients: Arrays = {}
        for name, gradient in mlx_gradients.items():
            for leaf, share in self.scattered(name, gradient).items():
                if leaf in self.trained:
                    gradients[leaf] = gradients[leaf] + share if leaf in gradients else share
        return gradients

    def gathered(self, name: str, torch_arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """One MLX parameter."""
        flat = np.concatenate([torch_arrays[leaf].ravel() for leaf in leaves(self.targets[name])])
        return np.asarray(flat[self.indices[name]])

    def scattered(self, name: str, gradient: np.ndarray) -> Arrays:
        """What the gradient of one MLX parameter, or of a source, contributes, by PyTorch name."""
        if name.startswith(SOURCE):
            return {name.removeprefix(SOURCE): np.asarray(gradient, np.float64)}
        shapes = {leaf: self.shapes[leaf] for leaf in leaves(self.targets[name])}
        added = np.bincount(self.indices[name].ravel(), np.ravel(gradient), minlength=total(shapes))
        return cut(added.astype(np.float64), shapes)  # bincount of nothing counts in integers

    def described(self) -> list[str]:
        """One line a parameter, such as "wq.weight = q_proj.weight" or "head.weight = transposed(lm_head.weight)"."""
        return [f"{name} = {target}" for name, target in self.targets.items()]

    def uses(self) -> Iterator[tuple[str, str, np.ndarray, bool]]:
        """(MLX name, PyTorch name, how often the one uses each entry of the other, whether the use is tied)."""
        for name, index in self.indices.items():
            tied = tied_leaves(self.targets[name])
            for leaf, times in self.scattered(name, np.ones(index.shape)).items():
                yield name, leaf, times, leaf in tied
        for name, target in self.computed().items():
            tied = tied_leaves(target)
            for leaf, times in influences(target, {leaf: self.shapes[leaf] for leaf in leaves(target)})[1].items():
                yield name, leaf, times, leaf in tied


def match(
    mlx_shapes: Shapes, torch_shapes: Shapes, names: Rules | None = None, torch_buffers: Shapes | None = None
) -> Names:
    """The map between two models' parameters, of which the shapes by name are given; for `names` see `rules`.

    Raises MismatchError, which lists everything that does not fit: names that do not exist, shapes that differ, entries
    used by nobody, in part or twice, rules that fit nothing, and layouts that compute instead of moving entries.
    """
    chosen, problems = read(names, mlx_shapes)
    targets = {name: chosen.get(name, name) for name in mlx_shapes}
    shapes = {name: tuple(shape) for name, shape in (*torch_shapes.items(), *(torch_buffers or {}).items())}
    indices, impossible = {}, set()
    for name, shape in mlx_shapes.items():
        try:
            index = located(name, tuple(shape), targets[name], shapes)
            indices |= {} if index is None else {name: index}
        except MismatchError as error:
            problems.extend(error.problems)
            impossible.add(name)
    fitting = {name: target for name, target in targets.items() if name not in impossible}
    result = Names(fitting, indices, shapes, frozenset(torch_shapes))
    # One problem is reported once: what an impossible layout was meant to use is not also reported as unused.
    meant = {leaf for name in impossible for leaf in leaves(targets[name])}
    problems.extend(misused({leaf: shapes[leaf] for leaf in torch_shapes if leaf not in meant}, result.uses()))
    if problems:
        raise MismatchError(*problems)
    return result


def located(name: str, shape: tuple[int, ...], target: Target, known: Shapes) -> np.ndarray | None:
    """The index array of one MLX parameter, see `Names`; None if it is computed. MismatchError if it does not fit."""
    made = f"MLX's {name} = {target}"
    hint = "; say of what it is made, or begin its name with an underscore if it is no parameter"
    absent = [f"{made}, but PyTorch has no {x}{nearest(x, known)}" for x in leaves(target) if x not in known]
    if absent:
        raise MismatchError(*(line + hint * (target == name) for line in absent))
    shapes = {leaf: known[leaf] for leaf in leaves(target)}
    labels = stream(0, "parity-labels").integers(2**62, size=total(shapes))
    try:
        if computes(target):
            index, made_shape = None, influences(target, shapes)[0]
        else:
            index, moved = (arranged(target, cut(x, shapes)) for x in (np.arange(total(shapes)), labels))
            made_shape = index.shape
    except (ValueError, IndexError, TypeError) as error:
        given = ", ".join(f"{leaf} {shape}" for leaf, shape in shapes.items())
        raise MismatchError(f"{made} cannot be formed from {given}: {error}") from error
    if index is not None and not selects(index, labels, moved):
        raise MismatchError(f"{made} changes values, and a layout may only move entries")
    if made_shape != shape:
        raise MismatchError(f"{made} has the shape {made_shape}, not {shape}{remedy(target, made_shape, shape)}")
    return index


def selects(index: np.ndarray, labels: np.ndarray, moved: np.ndarray) -> bool:
    """Whether `moved` are the labels at these positions."""
    if index.dtype != np.int64 or not ((index >= 0) & (index < len(labels))).all():
        return False
    return np.array_equal(labels[index], moved)


def total(shapes: Shapes) -> int:
    """How many entries there are."""
    return sum(int(np.prod(shape, dtype=int)) for shape in shapes.values())


def cut(vector: np.ndarray, shapes: Shapes) -> Arrays:
    """A vector as arrays of these shapes, that lie end to end in it."""
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes.values()], dtype=int)
    pieces = np.split(vector, ends[:-1])
    return {name: piece.reshape(shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}
