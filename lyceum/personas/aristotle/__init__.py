"""Aristotle: to know a thing is to know its category, its causes and its purpose.

The default model is the best composition of his systems that was found (RESULTS.md has the ablation table). The text
is short (17 epochs of 302,000 tokens), so the recipe regularises: dropout, a cosine down to zero, and a strong
decoupled decay. With learning rate 1e-3, decay 2 forgets over 500 steps, so a rare token's vectors fall back to its
genus between its occurrences. The recipe was chosen on the last tenth of the training split, held out from training;
validation had no part in it.
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
    "muon",
    "memory",
    "quantize",
    "sample",
)

PERSONA = Persona(
    name="aristotle",
    thesis="To know a thing is to know its category, its causes and its purpose.",
    systems=SYSTEMS,
    default=("tokenize", "rope", "memory"),
    sampler="modal",
    recipe=lambda max_iters: Recipe(
        peak_lr=1e-3, total_steps=max_iters, warmup_steps=200, schedule="cosine", weight_decay=2.0, dropout=0.1
    ),
)
