"""The skeleton of every model: which layers there are, in the order of the forward pass, and where dropout acts.

    x, rotation = position(vocabulary.embed(ids), ids);   x = x * m[EMBEDDING]
    for each block:  x = x + mixer(norm1(x), rotation) * m[mixer.name];   x = x + mlp(norm2(x)) * m[mlp.name]
    the head reads   norm(x) * m[HEAD];   in training the objectives, if there are any, ask it more

This is the only place that spells the names. Parameters, random streams of initial values and dropout masks m are
addressed by them, in both backends and in the reference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lyceum.personas.spec.names import below

EMBEDDING, HEAD = "embedding", "head"  # dropout sites outside of blocks
OBJECTIVES = ("objective", "regulariser")  # the layers that add to the loss, and their weights in a training step
START = "start"  # the record of initial values that are not drawn


class Layer(NamedTuple):
    """name: the prefix of its parameters, "blocks.0.mixer". spec: its reference."""

    name: str
    spec: Any

    def __call__(self, parameters: dict[str, np.ndarray], *inputs: np.ndarray):
        """The reference on inputs, with this layer's share of all parameters of a model."""
        return self.spec(below(parameters, self.name), *inputs)

    def step(self, parameters: dict[str, np.ndarray], *inputs: np.ndarray):
        """The same, for new tokens and a cache."""
        return self.spec.step(below(parameters, self.name), *inputs)


class Block(NamedTuple):
    """The layers of one residual block, in the order of the forward pass."""

    norm1: Layer
    mixer: Layer
    norm2: Layer
    mlp: Layer


@dataclass(frozen=True)
class Skeleton:
    """All layers of a model. active: the blocks that its forward pass has before anything has grown."""

    vocabulary: Layer
    position: Layer
    blocks: tuple[Block, ...]
    active: tuple[Block, ...]
    norm: Layer
    objectives: tuple[Layer, ...] = ()

    def layers(self) -> Iterator[Layer]:
        """Every layer, in the order of the forward pass."""
        yield from (self.vocabulary, self.position)
        for block in self.blocks:
            yield from block
        yield self.norm
        yield from self.objectives

    def noise_sites(self) -> Iterator[str]:
        """Where dropout acts: after the embedding, after each mixer and MLP, and before the head."""
        yield EMBEDDING
        for block in self.blocks:
            yield from (block.mixer.name, block.mlp.name)
        yield HEAD


def assemble(modules: Mapping[str, Any], n_layer: int, waiting: Collection[int] = ()) -> Skeleton:
    """The skeleton with references filled in. modules: as in `Plan.modules`. waiting: blocks that are not active."""

    def block(i: int) -> Block:
        mixer, mlp = (_in_turn(modules[name], i) for name in ("mixer", "mlp"))
        specs = {"norm1": modules["norm"], "mixer": mixer, "norm2": modules["norm"], "mlp": mlp}
        return Block(**{name: Layer(f"blocks.{i}.{name}", spec) for name, spec in specs.items()})

    outer = {name: Layer(name, modules[name]) for name in ("vocabulary", "position", "norm")}
    objectives = tuple(Layer(name, modules[name]) for name in OBJECTIVES if name in modules)
    blocks = tuple(block(i) for i in range(n_layer))
    active = tuple(each for i, each in enumerate(blocks) if i not in waiting)
    return Skeleton(blocks=blocks, active=active, objectives=objectives, **outer)


def _in_turn(spec: Any, i: int) -> Any:
    return spec[i % len(spec)] if isinstance(spec, tuple) else spec
