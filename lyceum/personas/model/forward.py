"""The definition of the whole model: the skeleton, in float64 NumPy, over the definitions of its parts.

    h, rotation = position(vocabulary.embed(ids), ids);   h = h * m_embedding
    for each block i:  h = h + mixer(norm1(h), rotation) * m_mixer,i;   h = h + mlp(norm2(h)) * m_mlp,i
    loss[b, t] = -vocabulary.log_prob(norm(h)[b, t] * m_head, target[b, t])

and where a memory's evidence is given, -memory.log_prob of that, of the head's uncertainty and of the evidence.

m are the dropout masks of `Plan.noise`, 1 where a step has none; rotation is what turns queries and keys, none where
positions are added. Theorem (causality): if mixer and the rest act at
each place on that place and earlier ones, loss[b, t] depends on ids[b, :t+1] and target[b, t] alone, by induction over
blocks.

Generation keeps one cache a layer that acts over time, the position layer's and each mixer's; norms, MLPs and the head
act at each place by itself. So the theorem of `lyceum.personas.properties.sequences` carries over to the whole by induction.
"""

from __future__ import annotations

import numpy as np

from lyceum.personas.spec.names import below
from lyceum.personas.spec.plan import Plan

Cache = tuple[tuple[np.ndarray, ...], ...]


def hidden(
    plan: Plan,
    parameters: dict[str, np.ndarray],
    ids: np.ndarray,
    noise: dict[str, np.ndarray],
    inputs: dict[str, np.ndarray] | None = None,
) -> np.ndarray:
    """ids (B, T) -> what the head reads, (B, T, d) float64. parameters: float64 by name, as in `Plan.initial`.

    inputs: where the input of each mixer and MLP is noted, by place; None notes nothing.
    """
    parts = plan.modules

    def mask(site: str) -> np.ndarray | float:
        return noise[site] if noise else 1.0

    h = parts["vocabulary"].embed(below(parameters, "vocabulary"), ids)
    h, *rotation = parts["position"](below(parameters, "position"), h, ids)
    h = h * mask("embedding")
    for i, block in enumerate(plan.blocks()):
        own = below(parameters, f"blocks.{i}")
        for norm, part, *more in (("norm1", "mixer", *rotation), ("norm2", "mlp")):
            normed = block[norm](below(own, norm), h)
            if inputs is not None:
                inputs[f"blocks.{i}.{part}"] = normed
            h = h + block[part](below(own, part), normed, *more) * mask(f"blocks.{i}.{part}")
    return parts["norm"](below(parameters, "norm"), h) * mask("head")


def start(plan: Plan, batch: int) -> Cache:
    """The caches of a text that has not begun: the position layer's, then each mixer's."""
    return tuple(
        layer.start(batch) for layer in (plan.modules["position"], *(block["mixer"] for block in plan.blocks()))
    )


def step(plan: Plan, parameters: dict[str, np.ndarray], cache: Cache, ids: np.ndarray) -> tuple[Cache, np.ndarray]:
    """The caches and n new ids (B, n) -> the next caches, and what the head reads of the new, (B, n, d)."""
    first, *kept = cache
    h = plan.modules["vocabulary"].embed(below(parameters, "vocabulary"), ids)
    found = plan.modules["position"].step(below(parameters, "position"), *first, h, ids)
    new, (h, *rotation) = [tuple(found[: len(first)])], found[len(first) :]
    for i, (block, old) in enumerate(zip(plan.blocks(), kept, strict=True)):
        own = below(parameters, f"blocks.{i}")
        normed = block["norm1"](below(own, "norm1"), h)
        *cached, y = block["mixer"].step(below(own, "mixer"), *old, normed, *rotation)
        h = h + y
        h = h + block["mlp"](below(own, "mlp"), block["norm2"](below(own, "norm2"), h))
        new.append(tuple(cached))
    return tuple(new), plan.modules["norm"](below(parameters, "norm"), h)


def losses(
    plan: Plan,
    parameters: dict[str, np.ndarray],
    ids: np.ndarray,
    targets: np.ndarray,
    noise: dict[str, np.ndarray],
    evidence: tuple[np.ndarray, ...] = (),
) -> np.ndarray:
    """ids, targets (B, T) -> -log p(target), (B, T) float64, nats. evidence: of `Plan.evidence`, () in training."""
    h, vocabulary, p = hidden(plan, parameters, ids, noise), plan.modules["vocabulary"], below(parameters, "vocabulary")
    own = vocabulary.log_prob(p, h, targets)
    return -(plan.modules["memory"].log_prob({}, own, vocabulary.uncertainty(p, h), *evidence) if evidence else own)
