"""Euclid: from few postulates, by construction, with proof.

The recipe is the one that serves so short a text (17 epochs of 302,000 tokens): dropout, a cosine down to zero, and a
strong decoupled decay.
"""

from __future__ import annotations

import corpus
from personas.euclid import memory, memory_tables, tokenize
from personas.names import below
from personas.persona import Persona
from personas.recipe import Recipe
from personas.system import System

SYSTEMS: tuple[System, ...] = (
    System(
        "tokenize",
        "E8, division with remainder",
        job="embedding and output head: tokens as numbers on a line, by quotient and remainders",
        slot="vocabulary",
        tables=lambda ids: tokenize.tables(ids, corpus.vocabulary()),
        furnish=lambda parts, fixed, tables: {
            "vocabulary": tokenize.Division(fixed.n_embd, **below(tables, "tokenize"))
        },
    ),
    System(
        "memory",
        "E19, Pythagoras",
        job="joins the model in evaluation and generation: votes of the nearest contexts, mixed by a gate",
        needs=("tokenize",),
        tables=lambda ids: memory_tables.tables(ids, corpus.vocabulary()),
        furnish=lambda parts, fixed, tables: memory.parts(parts["vocabulary"], below(tables, "memory")),
    ),
)

PERSONA = Persona(
    name="euclid",
    thesis="From few postulates, by construction, with proof.",
    systems=SYSTEMS,
    default=("tokenize", "memory"),
    recipe=lambda max_iters: Recipe(
        peak_lr=1e-3, total_steps=max_iters, warmup_steps=200, schedule="cosine", weight_decay=2.0, dropout=0.1
    ),
)
