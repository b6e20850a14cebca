"""A model taken apart: the terms of its residual stream, and what changes if one of them is another text's.

Equations. The residual stream is a sum: of the embedding and of what each mixer and each MLP writes. A mixer with H
heads writes out.weight z, and z has a slice for each head, so that its output is a sum too:

    x = x_0 + sum over blocks ( sum_h W_h z_h + mlp ),       W_h the columns of out.weight that read z_h

These are the *terms*. Attention, latent attention and state spaces all end in such a product and have heads; a mixer
without heads has one term. z is what the mixer gives with the identity for out.weight.

A *site* is where a layer writes: the embedding, each mixer, each MLP. *Patching* runs the model on one text and takes
the output of some sites at some positions from a run on another text of the same length: with masks w and the other
run's outputs y', a site writes w y' + (1 - w) y. Every later layer reads what was patched. Positions (rotations) are
those of the text itself.

With a memory the probability of a token is that of a mixture, p(w) = sum_i weight_i p_i(w), and part i's share of it is
weight_i p_i(w) / p(w).

Theorems (`lyceum.personas.lens.theorems`).
 1. The terms add up to what the final norm reads.
 2. Patching nothing changes nothing, bit for bit: w = 0 takes y itself.
 3. Patching everything gives the other run, bit for bit: after every site the stream is the other run's, by induction.
 4. Patching at positions from u on changes nothing before u, bit for bit: every layer is causal.
 5. Weights times parts add up to the probability of the mixture.

Each persona adds what it sees in the terms: a subclass, named in the record of its system "interpret", with the
methods `contributions` and `heat_maps`.

Cost. Terms: two passes of each mixer. Patching: a pass on each text; a map of S sites and T positions S T passes, which
run as batches. Sources: Elhage et al. 2021 (the residual stream as a sum); Vig et al. 2020, Meng et al. 2022
(patching).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from lyceum.personas.lens.heat_map import HeatMap, Reading
from lyceum.personas.model import forward
from lyceum.personas.spec.names import below
from lyceum.personas.spec.skeleton import Layer, Skeleton, assemble

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Lens:
    """modules: the references of a model, as in `Plan.modules`. n_layer: its blocks. Parameters are the model's."""

    waiting: ClassVar[tuple[int, ...]] = ()  # all blocks are computed: one that waits writes 0
    modules: dict[str, Any] = field(repr=False)
    n_layer: int

    @property
    def skeleton(self) -> Skeleton:
        """The layers of the model."""
        return assemble(self.modules, self.n_layer)

    def initial(self, stream: np.random.Generator, n_layer: int) -> Arrays:
        """Every parameter of the model, by its name there."""
        initial = {layer: spec.initial(stream, self.n_layer) for layer, spec in self.skeleton.layers()}
        return {f"{layer}.{name}": value for layer, values in initial.items() for name, value in values.items()}

    def parts(self) -> tuple[str, ...]:
        """The names of the terms, in their order."""
        names = ["embedding"]
        for i, block in enumerate(self.skeleton.blocks, 1):
            heads = getattr(block.mixer.spec, "n_head", 0)
            names += [f"block {i}, head {h}" for h in range(1, heads + 1)] or [f"block {i}, mixer"]
            names.append(f"block {i}, MLP")
        return tuple(names)

    def sites(self) -> tuple[str, ...]:
        """The names of the sites, in their order."""
        blocks = range(1, self.n_layer + 1)
        return ("embedding", *(f"block {i}, {layer}" for i in blocks for layer in ("mixer", "MLP")))

    def terms(self, p: Arrays, ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> the terms of the residual stream, (B, T, n, d) float64."""
        return self.seen(p, ids, heads)

    def outputs(self, p: Arrays, ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> what each site writes, (B, T, S, d) float64."""
        return self.seen(p, ids, lambda layer, p, y, *inputs: [y])

    def seen(self, p: Arrays, ids: np.ndarray, see: Callable[..., list[np.ndarray]]) -> np.ndarray:
        """What `see` makes of each site in a forward pass, (B, T, ...) each, along a new axis 2.

        see: (layer, parameters, what it wrote, *its inputs) -> arrays.
        """
        arrays: list[np.ndarray] = []

        def call(layer: Layer, p: Arrays, *inputs: np.ndarray):
            y = layer(p, *inputs)
            arrays.extend(see(layer, p, written(y), *inputs))
            return y

        forward.hidden(self, p, ids, {}, call)
        return np.stack(arrays, axis=2)

    def log_prob(self, p: Arrays, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """ids, targets (B, T) -> log p(target) of the model without memory, (B, T), nats."""
        return -forward.losses(self, p, ids, targets, {})

    def logits(self, p: Arrays, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """ids, targets (B, T) -> the logits of the targets, (B, T, L), as the forward pass has them."""
        vectors, constants = self.modules["vocabulary"].directions(below(p, "vocabulary"), targets)
        return (vectors @ forward.hidden(self, p, ids, {})[..., None])[..., 0] + constants

    def patched(
        self, p: Arrays, ids: np.ndarray, targets: np.ndarray, other: np.ndarray, where: np.ndarray
    ) -> np.ndarray:
        """`log_prob` with what the other ids (B, T) make of the sites where `where` (B, T, S), integers, is not 0."""
        theirs = self.outputs(p, other)
        sites = iter(range(theirs.shape[2]))

        def call(layer: Layer, p: Arrays, *inputs: np.ndarray):
            y, i = layer(p, *inputs), next(sites)
            new = np.where(where[:, :, i, None] != 0, theirs[:, :, i], written(y))
            return (new, *y[1:]) if isinstance(y, tuple) else new

        x = forward.hidden(self, p, ids, {}, call)
        return self.modules["vocabulary"].log_prob(below(p, "vocabulary"), x, targets)

    def memory_weights(self, p: Arrays, ids: np.ndarray, features: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """ids (B, T), a memory's features and offsets -> weights of the model and the memory's parts, (B, T, 1 + n)."""
        x = forward.hidden(self, p, ids, {})
        uncertainty = self.modules["vocabulary"].uncertainty(below(p, "vocabulary"), x)
        return np.exp(self.modules["memory"].log_weights(uncertainty, features, offsets))

    def contributions(self, p: Arrays, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """ids, targets (B, T) -> what n parts, and last the base rate, give to each logit, (B, T, n + 1, L)."""
        raise NotImplementedError

    def heat_maps(self, reading: Reading) -> tuple[HeatMap, ...]:
        """What the persona sees in a text."""
        raise NotImplementedError


def written(y: np.ndarray | tuple[np.ndarray, ...]) -> np.ndarray:
    """What a layer adds to the stream: the position layer's output begins with it, a rotation may follow."""
    return y[0] if isinstance(y, tuple) else y


def heads(layer: Layer, p: Arrays, y: np.ndarray, *inputs: np.ndarray) -> list[np.ndarray]:
    """What each head of a mixer adds to the residual stream, (B, T, d) each; y, what any other layer wrote."""
    parameters, n = below(p, layer.name), getattr(layer.spec, "n_head", 0)
    if not n or "out.weight" not in parameters:  # positions may turn by heads, and write none
        return [y]
    weight = parameters["out.weight"]
    z = layer.spec(parameters | {"out.weight": np.eye(weight.shape[1])}, *inputs)
    return [part @ columns.T for part, columns in zip(np.split(z, n, -1), np.split(weight, n, 1), strict=True)]
