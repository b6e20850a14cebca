"""Euclid: from few postulates, by construction, with proof.

The default is the best composition of his systems that we know (ablation table in RESULTS.md). The text is short (17
epochs of 302,000 tokens), so the recipe regularises: dropout, a cosine schedule down to zero, and strong decoupled
weight decay. About 220 tokens share the vector of a remainder; the decay keeps it from fitting one of them.
"""

from __future__ import annotations

from lyceum.personas.spec.persona import Persona, systems_of
from lyceum.personas.spec.recipe import Recipe

# One line a system, in the order in which they build the model: a module of this package with its record SYSTEM.
SYSTEMS = systems_of(
    __name__,
    "tokenize",
    "rope",
    "norm",
    "attention",
    "mla",
    "ssm",
    "moe",
    "superpose",
    "equivariant",
    "sparse",
    "objective",
    "topology",
    "circuit",
    "meta",
    "muon",
    "repair",
    "memory",
    "grow",
    "retain",
    "quantize",
    "sample",
    "interpret",
    "search",
)

PERSONA = Persona(
    name="euclid",
    thesis="From few postulates, by construction, with proof.",
    systems=SYSTEMS,
    default=("tokenize", "rope", "norm", "ssm", "sparse", "memory"),
    sampler="golden",
    recipe=lambda max_iters: Recipe(
        peak_lr=1e-3, total_steps=max_iters, warmup_steps=200, schedule="cosine", weight_decay=2.0, dropout=0.1
    ),
)
