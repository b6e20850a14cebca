"""Aristotle: to know a thing is to know its category, its causes and its purpose.

The default is the best composition of his systems that we know (ablation table in RESULTS.md). The text is short (17
epochs of 302,000 tokens), so the recipe regularises: dropout, a cosine schedule down to zero, and strong decoupled
weight decay. With learning rate 1e-3, a decay of 2 shrinks a weight by 1/e in 500 steps, so between its occurrences the
vectors of a rare token fall back to those of its genus. The recipe was chosen on the last tenth of the training split,
which was left out of training; the validation split had no part in the choice.
"""

from __future__ import annotations

from lyceum.personas.spec.persona import Persona, systems_of
from lyceum.personas.spec.recipe import Recipe

# One line a system, in the order in which they build the model: a module of this package with its record SYSTEM.
SYSTEMS = systems_of(
    __name__,
    "tokenize",
    "superpose",
    "rope",
    "norm",
    "attention",
    "mla",
    "ssm",
    "moe",
    "equivariant",
    "sparse",
    "objective",
    "meta",
    "topology",
    "circuit",
    "muon",
    "repair",
    "memory",
    "grow",
    "retain",
    "quantize",
    "sample",
    "search",
    "interpret",
)

PERSONA = Persona(
    name="aristotle",
    thesis="To know a thing is to know its category, its causes and its purpose.",
    systems=SYSTEMS,
    default=("tokenize", "superpose", "mla", "sparse", "memory"),
    sampler="modal",
    recipe=lambda max_iters: Recipe(
        peak_lr=1e-3, total_steps=max_iters, warmup_steps=200, schedule="cosine", weight_decay=2.0, dropout=0.1
    ),
)
