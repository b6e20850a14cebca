"""The reference of the whole model: the skeleton, in float64 NumPy, over the references of its layers.

    x, rotation = position(vocabulary.embed(ids), ids);   x = x * m_embedding
    for each block i:  x = x + mixer(norm1(x), rotation) * m_mixer,i;   x = x + mlp(norm2(x)) * m_mlp,i
    loss[b, t] = -vocabulary.log_prob(norm(x)[b, t] * m_head, target[b, t])

In training objectives may ask the vocabulary more and add to this (`objective.ask`, `.losses`), each by its weight.
With evidence of a memory the loss is -memory.log_prob of that, of the head's uncertainty and of the evidence. m are the
dropout masks of `Plan.noise`, 1 where a step has none; `rotation` turns queries and keys, and is empty where positions
are added.

Theorem (causality). If every layer at position t depends on positions up to t alone, loss[b, t] depends on
ids[b, : t + 1] and target[b, t] alone, by induction over blocks.

Generation has one cache for each layer that acts over time: the position layer and each mixer. Norms, MLPs and the head
act on each position separately, so the theorem of `lyceum.personas.properties.sequences` holds for the model as well,
by induction.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lyceum.personas.spec.names import below
from lyceum.personas.spec.plan import Plan
from lyceum.personas.spec.skeleton import EMBEDDING, HEAD, Block, Layer

Arrays = dict[str, np.ndarray]
Cache = tuple[tuple[np.ndarray, ...], ...]  # the position layer's, then each mixer's


def masked(x: np.ndarray, noise: Arrays, site: str) -> np.ndarray:
    """x times the mask of `site`, or x where the step has none."""
    return x * noise[site] if site in noise else x


def embedded(plan: Plan, parameters: Arrays, ids: np.ndarray) -> np.ndarray:
    """ids (B, T) -> the vocabulary's vectors, (B, T, d)."""
    return plan.modules["vocabulary"].embed(below(parameters, "vocabulary"), ids)


def hidden(
    plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays, call: Callable = Layer.__call__
) -> np.ndarray:
    """ids (B, T) -> what the head reads, (B, T, d) float64. parameters: float64 by name, as in `Plan.initial`.

    call: (layer, parameters, *inputs) -> what is taken for the output of the position layer, each mixer and each MLP,
    in this order; so a caller sees what they read and write, and may replace it.
    """
    skeleton = plan.skeleton
    x, *rotation = call(skeleton.position, parameters, embedded(plan, parameters, ids), ids)
    x = masked(x, noise, EMBEDDING)
    for block in skeleton.active:
        y = call(block.mixer, parameters, block.norm1(parameters, x), *rotation)
        x = added(block, parameters, x, y, noise, call)
    return masked(skeleton.norm(parameters, x), noise, HEAD)


def inputs(plan: Plan, parameters: Arrays, ids: np.ndarray, noise: Arrays) -> Arrays:
    """{layer: what it reads}, of the position layer, each mixer and each MLP. Arguments as in `hidden`."""
    given: Arrays = {}

    def recorded(layer: Layer, parameters: Arrays, *arguments: np.ndarray):
        given[layer.name] = arguments[0]
        return layer(parameters, *arguments)

    hidden(plan, parameters, ids, noise, recorded)
    return given


def added(
    block: Block, parameters: Arrays, x: np.ndarray, y: np.ndarray, noise: Arrays, call: Callable = Layer.__call__
) -> np.ndarray:
    """The residual stream and the mixer's output, (B, T, d) each -> the stream after the block."""
    x = x + masked(y, noise, block.mixer.name)
    y = call(block.mlp, parameters, block.norm2(parameters, x))
    return x + masked(y, noise, block.mlp.name)


def start(plan: Plan, batch: int) -> Cache:
    """The caches of a text that has not begun."""
    skeleton = plan.skeleton
    return tuple(layer.spec.start(batch) for layer in (skeleton.position, *(block.mixer for block in skeleton.active)))


def step(plan: Plan, parameters: Arrays, cache: Cache, ids: np.ndarray) -> tuple[Cache, np.ndarray]:
    """The caches and n new ids (B, n) -> the next caches, and what the head reads of the new, (B, n, d)."""
    skeleton, (first, *rest) = plan.skeleton, cache
    outputs = skeleton.position.step(parameters, *first, embedded(plan, parameters, ids), ids)
    caches, (x, *rotation) = [tuple(outputs[: len(first)])], outputs[len(first) :]
    for block, old in zip(skeleton.active, rest, strict=True):
        *new, y = block.mixer.step(parameters, *old, block.norm1(parameters, x), *rotation)
        x = added(block, parameters, x, y, {})
        caches.append(tuple(new))
    return tuple(caches), skeleton.norm(parameters, x)


def losses(
    plan: Plan,
    parameters: Arrays,
    ids: np.ndarray,
    targets: np.ndarray,
    noise: Arrays,
    evidence: tuple[np.ndarray, ...] = (),
) -> np.ndarray:
    """ids, targets (B, T) -> -log p(target), (B, T) float64, nats. evidence: of `Plan.evidence`, () in training.

    An objective of the plan whose weight is among the noise adds to them.
    """
    x, vocabulary, p = hidden(plan, parameters, ids, noise), plan.modules["vocabulary"], below(parameters, "vocabulary")
    log_prob = vocabulary.log_prob(p, x, targets)
    if evidence:
        log_prob = plan.modules["memory"].log_prob({}, log_prob, vocabulary.uncertainty(p, x), *evidence)
    total = -log_prob
    for name, objective in plan.skeleton.objectives:
        if name in noise:
            q = below(parameters, name)
            answers = getattr(vocabulary, objective.reads)(p, *objective.ask(q, x, ids, targets))
            total = total + objective.losses(q, answers, ids, targets, noise[name])
    return total
