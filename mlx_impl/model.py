"""The model of a plan: embedding, n_layer residual blocks, norm, head. Reference: `lyceum.personas.model.forward`.

    x, rotation = position(vocabulary.embed(ids), ids)
    for each block:  x = x + mixer(norm1(x), rotation);  x = x + mlp(norm2(x))
    loss(target) = -vocabulary.log_prob(norm(x), target), plus in training what the plan's objectives add

A memory joins in evaluation and generation, where the caller passes its evidence; training runs without it.

Dropout masks are drawn outside (`Plan.noise`) and multiply the residual stream's terms at the sites that
`lyceum.personas.spec.skeleton` names.
"""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten

from lyceum.personas.spec.skeleton import EMBEDDING, HEAD, OBJECTIVES
from mlx_impl.registry import build

Cache = tuple[tuple[mx.array, ...], ...]  # the position layer's, then each mixer's


def masked(x: mx.array, noise: dict[str, mx.array], site: str) -> mx.array:
    """x times the mask of `site`, or x where the step has none."""
    return x * noise[site] if site in noise else x


def called(layer: nn.Module, *inputs: mx.array) -> mx.array | tuple[mx.array, ...]:
    """The layer's output: what `Model.hidden` does with the position layer, mixers and MLPs, in this order."""
    return layer(*inputs)


class Block(nn.Module):
    """One residual block: a mixer over time and an MLP, each after its norm."""

    def __init__(self, block):
        super().__init__()
        self.norm1, self.mixer = build(block.norm1.spec), build(block.mixer.spec)
        self.norm2, self.mlp = build(block.norm2.spec), build(block.mlp.spec)
        self.mixer_site, self.mlp_site = block.mixer.name, block.mlp.name

    def __call__(self, x: mx.array, rotation: tuple, noise: dict[str, mx.array], call: Callable = called) -> mx.array:
        """x (B, T, d) -> the same shape. rotation: what the position layer gives to mixers."""
        return self.added(x, call(self.mixer, self.norm1(x), *rotation), noise, call)

    def step(self, cache: tuple, x: mx.array, rotation: tuple) -> tuple[tuple, mx.array]:
        """The mixer's cache and n new tokens, x (B, n, d) -> the next cache, and the same shape."""
        *cache, y = self.mixer.step(*cache, self.norm1(x), *rotation)
        return tuple(cache), self.added(x, y, {})

    def added(self, x: mx.array, y: mx.array, noise: dict[str, mx.array], call: Callable = called) -> mx.array:
        """The residual stream and the mixer's output, (B, T, d) each -> the stream after the block."""
        x = x + masked(y, noise, self.mixer_site)
        return x + masked(call(self.mlp, self.norm2(x)), noise, self.mlp_site)


class Model(nn.Module):
    """The model of a plan; parameters are named as in `Plan.initial`."""

    def __init__(self, plan):
        super().__init__()
        skeleton = plan.skeleton
        self.vocabulary, self.position = build(skeleton.vocabulary.spec), build(skeleton.position.spec)
        self.blocks = [Block(block) for block in skeleton.blocks]
        self.skipped = frozenset(plan.waiting)  # blocks whose output is 0: left out until they are active
        self.norm = build(skeleton.norm.spec)
        if "memory" in plan.modules:
            self.memory = build(plan.modules["memory"])
        for layer in skeleton.objectives:
            self[layer.name] = build(layer.spec)

    def update_router_bias(self) -> None:
        """After a training step: every layer with router biases updates them from its latest forward pass."""
        for block in self._active():
            for layer in block.modules():
                if hasattr(layer, "update_router_bias"):
                    layer.update_router_bias()

    def _active(self) -> list[Block]:
        """The blocks of the forward pass."""
        return [block for i, block in enumerate(self.blocks) if i not in self.skipped]

    def hidden(self, ids: mx.array, noise: dict[str, mx.array], call: Callable = called) -> mx.array:
        """ids (B, T) integers -> what the head reads, (B, T, d). call: (layer, *inputs) -> its output, or another."""
        x, *rotation = call(self.position, self.vocabulary.embed(ids), ids)
        x = masked(x, noise, EMBEDDING)
        for block in self._active():
            x = block(x, rotation, noise, call)
        return masked(self.norm(x), noise, HEAD)

    def start(self, batch: int) -> Cache:
        """The caches of a text that has not begun."""
        return tuple(layer.start(batch) for layer in (self.position, *(block.mixer for block in self._active())))

    def step(self, cache: Cache, ids: mx.array) -> tuple[Cache, mx.array]:
        """The caches and n new ids (B, n) -> the next caches, and what the head reads of the new, (B, n, d)."""
        first, *rest = cache
        outputs = self.position.step(*first, self.vocabulary.embed(ids), ids)
        caches, (x, *rotation) = [outputs[: len(first)]], outputs[len(first) :]
        for block, old in zip(self._active(), rest, strict=True):
            new, x = block.step(old, x, rotation)
            caches.append(new)
        return tuple(caches), self.norm(x)

    def losses(
        self, ids: mx.array, targets: mx.array, noise: dict[str, mx.array], evidence: tuple[mx.array, ...] = ()
    ) -> mx.array:
        """ids, targets (B, T) -> -log p(target), (B, T), nats. evidence: of `Plan.evidence`, () in training.

        An objective of the plan whose weight is among the noise adds to them.
        """
        x = self.hidden(ids, noise)
        log_prob = self.vocabulary.log_prob(x, targets)
        if evidence:
            log_prob = self.memory.log_prob(log_prob, self.vocabulary.uncertainty(x), *evidence)
        losses = -log_prob
        for name in (name for name in OBJECTIVES if name in noise):
            objective = getattr(self, name)
            answers = getattr(self.vocabulary, objective.reads)(*objective.ask(x, ids, targets))
            losses = losses + objective.losses(answers, ids, targets, noise[name])
        return losses

    def log_probs(
        self, ids: mx.array, positions: mx.array | None = None, evidence: tuple[mx.array, ...] = ()
    ) -> mx.array:
        """ids (B, T) -> log p of every next id, (B, T, V), nats; with positions (B,), after one of each row, (B, V).

        evidence: of `Plan.evidence_at`, for a plan that has a memory.
        """
        x = self.hidden(ids, {})
        if positions is not None:
            x = x[mx.arange(len(positions)), positions]
        return self.next_log_probs(x, evidence)

    def next_log_probs(self, x: mx.array, evidence: tuple[mx.array, ...]) -> mx.array:
        """What the head reads, (..., d) -> log p of every next id, (..., V), with the memory if there is evidence."""
        log_probs = self.vocabulary.log_probs(x)
        if evidence:
            log_probs = self.memory.log_probs(log_probs, self.vocabulary.uncertainty(x), *evidence)
        return log_probs

    def uncertainty(self, ids: mx.array) -> mx.array:
        """ids (B, T) -> the head's uncertainty, (B, T, 3), nats: what a memory's gate reads of the model."""
        return self.vocabulary.uncertainty(self.hidden(ids, {}))


def load_parameters(model: nn.Module, values: dict, dtype: mx.Dtype = mx.float32) -> None:
    """Set every parameter from NumPy arrays; names and shapes must match exactly, else ValueError."""
    parameters = dict(tree_flatten(model.parameters()))
    if parameters.keys() != values.keys():
        raise ValueError(f"parameters differ: {sorted(parameters.keys() ^ values.keys())} are on one side only")
    for name, parameter in parameters.items():
        if parameter.shape != values[name].shape:
            raise ValueError(f"{name} has shape {parameter.shape} here but {values[name].shape} there")
    model.update(tree_unflatten([(name, mx.array(value, dtype)) for name, value in values.items()]))
