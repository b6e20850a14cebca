"""The skeleton every persona is assembled on: embed, n_layer residual blocks, norm, head.

    x, rotation = position(vocabulary.embed(ids), ids)
    for each block:  x = x + mixer(norm1(x), rotation);  x = x + mlp(norm2(x))
    loss(target) = -vocabulary.log_prob(norm(x), target)

A memory joins in evaluation and generation, where its evidence is handed in; training runs as without it.

Dropout masks are drawn outside (`Plan.noise`) and multiply the stream at their named sites. The definition of the
whole is `lyceum.personas.model.forward`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from torch_ref.registry import build

Cache = tuple[tuple[Tensor, ...], ...]  # the position layer's, then each mixer's


def masked(x: Tensor, noise: dict[str, Tensor], site: str) -> Tensor:
    """x times the mask of `site`, or x where the step has no noise."""
    return x * noise[site] if noise else x


class Block(nn.Module):
    """One residual block: a mixer over time and an MLP, each behind its norm."""

    def __init__(self, specs, name: str):
        super().__init__()
        self.name = name
        self.norm1, self.mixer = build(specs["norm1"]), build(specs["mixer"])
        self.norm2, self.mlp = build(specs["norm2"]), build(specs["mlp"])

    def forward(self, x: Tensor, rotation: tuple, noise: dict[str, Tensor]) -> Tensor:
        """x (B, T, d) -> the same shape. rotation: what the position layer hands to mixers."""
        return self.added(x, self.mixer(self.norm1(x), *rotation), noise)

    def step(self, cache: tuple, x: Tensor, rotation: tuple) -> tuple[tuple, Tensor]:
        """The mixer's cache and n new tokens, x (B, n, d) -> the next cache, and the same shape."""
        *cache, y = self.mixer.step(*cache, self.norm1(x), *rotation)
        return tuple(cache), self.added(x, y, {})

    def added(self, x: Tensor, y: Tensor, noise: dict[str, Tensor]) -> Tensor:
        """The stream and what the mixer made of it -> the stream after the block."""
        x = x + masked(y, noise, f"{self.name}.mixer")
        return x + masked(self.mlp(self.norm2(x)), noise, f"{self.name}.mlp")


class Model(nn.Module):
    """The model of a plan; parameters are named as in `Plan.initial`."""

    def __init__(self, plan):
        super().__init__()
        self.vocabulary, self.position = build(plan.modules["vocabulary"]), build(plan.modules["position"])
        self.blocks = nn.ModuleList(Block(specs, f"blocks.{i}") for i, specs in enumerate(plan.blocks()))
        self.norm = build(plan.modules["norm"])
        if "memory" in plan.modules:
            self.memory = build(plan.modules["memory"])

    def update_router_bias(self) -> None:
        """After a training step: layers that keep router_biases set them by what its forward pass has shown."""
        for layer in self.modules():
            if layer is not self and hasattr(layer, "update_router_bias"):
                layer.update_router_bias()

    def hidden(self, ids: Tensor, noise: dict[str, Tensor]) -> Tensor:
        """ids (B, T) integers -> what the head reads, (B, T, d)."""
        x, *rotation = self.position(self.vocabulary.embed(ids), ids)
        x = masked(x, noise, "embedding")
        for block in self.blocks:
            x = block(x, rotation, noise)
        return masked(self.norm(x), noise, "head")

    def start(self, batch: int) -> Cache:
        """The caches of a text that has not begun."""
        return tuple(layer.start(batch) for layer in (self.position, *(block.mixer for block in self.blocks)))

    def step(self, cache: Cache, ids: Tensor) -> tuple[Cache, Tensor]:
        """The caches and n new ids (B, n) -> the next caches, and what the head reads of the new, (B, n, d)."""
        first, *kept = cache
        found = self.position.step(*first, self.vocabulary.embed(ids), ids)
        new, (x, *rotation) = [found[: len(first)]], found[len(first) :]
        for block, old in zip(self.blocks, kept, strict=True):
            old, x = block.step(old, x, rotation)
            new.append(old)
        return tuple(new), self.norm(x)

    def losses(
        self, ids: Tensor, targets: Tensor, noise: dict[str, Tensor], evidence: tuple[Tensor, ...] = ()
    ) -> Tensor:
        """ids, targets (B, T) -> -log p(target), (B, T), nats. evidence: of `Plan.evidence`, () in training."""
        x = self.hidden(ids, noise)
        own = self.vocabulary.log_prob(x, targets)
        return -(self.memory.log_prob(own, self.vocabulary.uncertainty(x), *evidence) if evidence else own)

    def log_probs(self, ids: Tensor, places: Tensor | None = None, evidence: tuple[Tensor, ...] = ()) -> Tensor:
        """ids (B, T) -> log p of every next id, (B, T, V), nats; (B, V) after one place of each row, places (B,).

        evidence: of `Plan.evidence_at`, for a plan that has a memory.
        """
        x = self.hidden(ids, {})
        return self.forecast(
            x if places is None else x[torch.arange(len(places), device=places.device), places], evidence
        )

    def forecast(self, x: Tensor, evidence: tuple[Tensor, ...]) -> Tensor:
        """What the head reads, (..., d) -> log p of every next id, (..., V); with the memory, if it brings evidence."""
        own = self.vocabulary.log_probs(x)
        return self.memory.log_probs(own, self.vocabulary.uncertainty(x), *evidence) if evidence else own

    def uncertainty(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> how sure the head is, (B, T, 3), nats: what a memory's gate reads of the model."""
        return self.vocabulary.uncertainty(self.hidden(ids, {}))


@torch.no_grad()
def load_parameters(model: nn.Module, values: dict) -> None:
    """Set every parameter from NumPy arrays; names and shapes must match exactly, else ValueError."""
    parameters = dict(model.named_parameters())
    if parameters.keys() != values.keys():
        raise ValueError(f"parameters differ: {sorted(parameters.keys() ^ values.keys())} stand on one side only")
    for name, parameter in parameters.items():
        if tuple(parameter.shape) != values[name].shape:
            raise ValueError(f"{name} has shape {tuple(parameter.shape)} here but {values[name].shape} there")
        parameter.copy_(torch.from_numpy(values[name]))
