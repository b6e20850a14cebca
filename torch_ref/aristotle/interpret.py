"""A16, the lens of causes: contributions and attention. Reference: `lyceum.personas.aristotle.interpret`."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from lyceum.personas.aristotle import interpret as reference
from torch_ref.common.lens import Lens
from torch_ref.registry import implements


@implements(reference.Causes)
class Causes(Lens):
    """ids (B, T) -> what each term gives to the logits of targets, and where heads look."""

    def contributions(self, ids: Tensor, targets: Tensor) -> Tensor:
        """ids, targets (B, T) -> what each term, and last the base rate, gives to each logit, (B, T, n + 1, L)."""
        terms = self.terms(ids)
        vectors, constants = self.vocabulary.directions(targets)
        parts = self.norm.frozen(terms.sum(dim=-2), terms)
        return torch.cat([parts @ vectors.mT, constants[..., None, :]], dim=-2)

    def attention(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> where the heads of all mixers that attend look, (B, T, heads, T)."""

        def see(layer: nn.Module, y: Tensor, *inputs: Tensor) -> Iterable[Tensor]:
            return layer.attention(*inputs).unbind(dim=1) if hasattr(layer, "attention") else ()

        return self.seen(ids, see)
