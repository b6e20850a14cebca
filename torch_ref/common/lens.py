"""A model taken apart: terms of the residual stream, patching. Reference: `lyceum.personas.lens`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lyceum.personas import lens as reference
from torch_ref.model import Model


def written(y: Tensor | tuple[Tensor, ...]) -> Tensor:
    """What a layer adds to the stream: the position layer's output begins with it, a rotation may follow."""
    return y[0] if isinstance(y, tuple) else y


def heads(layer: nn.Module, y: Tensor, *inputs: Tensor) -> list[Tensor]:
    """What each head of a mixer adds to the residual stream, (B, T, d) each; y, what any other layer wrote."""
    if not (hasattr(layer, "n_head") and hasattr(layer, "out")):  # positions may turn by heads, and write none
        return [y]
    out, layer.out = layer.out, nn.Identity()
    z = layer(*inputs)
    layer.out = out
    columns = out.weight.chunk(layer.n_head, dim=1)
    return [part @ weight.mT for part, weight in zip(z.chunk(layer.n_head, dim=-1), columns, strict=True)]


class Lens(Model):
    """A model with the same parameters; ids (B, T) -> its parts."""

    def __init__(self, modules: dict, n_layer: int):
        super().__init__(reference.Lens(modules, n_layer))

    def terms(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> the terms of the residual stream, (B, T, n, d)."""
        return self.seen(ids, heads)

    def outputs(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> what each site writes, (B, T, S, d)."""
        return self.seen(ids, lambda layer, y, *inputs: [y])

    def seen(self, ids: Tensor, see: Callable[..., list[Tensor]]) -> Tensor:
        """What `see` makes of each site in a forward pass: (layer, what it wrote, *its inputs) -> arrays."""
        arrays: list[Tensor] = []

        def call(layer: nn.Module, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
            y = layer(*inputs)
            arrays.extend(see(layer, written(y), *inputs))
            return y

        self.hidden(ids, {}, call)
        return torch.stack(arrays, dim=2)

    def log_prob(self, ids: Tensor, targets: Tensor) -> Tensor:
        """ids, targets (B, T) -> log p(target) of the model without memory, (B, T), nats."""
        return -self.losses(ids, targets, {})

    def logits(self, ids: Tensor, targets: Tensor) -> Tensor:
        """ids, targets (B, T) -> the logits of the targets, (B, T, L), as the forward pass has them."""
        vectors, constants = self.vocabulary.directions(targets)
        return (vectors @ self.hidden(ids, {})[..., None])[..., 0] + constants

    def patched(self, ids: Tensor, targets: Tensor, other: Tensor, where: Tensor) -> Tensor:
        """`log_prob` with what the other ids (B, T) make of the sites where `where` (B, T, S), integers, is not 0."""
        theirs = self.outputs(other)
        sites = iter(range(theirs.shape[2]))

        def call(layer: nn.Module, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
            y, i = layer(*inputs), next(sites)
            new = torch.where(where[:, :, i, None] != 0, theirs[:, :, i], written(y))
            return (new, *y[1:]) if isinstance(y, tuple) else new

        return self.vocabulary.log_prob(self.hidden(ids, {}, call), targets)

    def memory_weights(self, ids: Tensor, features: Tensor, offsets: Tensor) -> Tensor:
        """ids (B, T), a memory's features and offsets -> weights of the model and the memory's parts, (B, T, 1 + n)."""
        return self.memory.log_weights(self.uncertainty(ids), features, offsets).exp()
