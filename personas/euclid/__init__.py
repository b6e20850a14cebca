"""Euclid: from few postulates, by construction, with proof.

The default model is the best composition of his systems that was found (RESULTS.md has the screening table). The recipe
is the one that serves so short a text (17 epochs of 302,000 tokens): dropout, a cosine down to zero, and a strong
decoupled decay, which here is what keeps a remainder's vector, shared by 220 tokens, from serving one of them.
"""

from __future__ import annotations

from dataclasses import replace

import corpus
from personas.euclid import memory, memory_tables, tokenize
from personas.euclid.attention import CircleAttention
from personas.euclid.mla import Projection
from personas.euclid.moe import SimplexExperts
from personas.euclid.muon import Compass
from personas.euclid.norm import ChordPerceptron, SphereNorm
from personas.euclid.rope import Mirrors
from personas.euclid.ssm import RigidMotion
from personas.names import below
from personas.persona import Persona
from personas.recipe import Recipe
from personas.system import System

SYSTEMS = (
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
        "rope",
        "E5, two mirrors",
        job="positions: rotary, in learned planes at learned angles, queries and keys normalised",
        slot="position",
        furnish=lambda parts, fixed, tables: {"position": Mirrors(fixed.n_head, fixed.n_embd // fixed.n_head)},
    ),
    System(
        "norm",
        "E9, the sphere and the chord",
        job="norms and perceptrons: one radius for all, gates that are a side of a right triangle",
        furnish=lambda parts, fixed, tables: {
            "norm": SphereNorm(fixed.n_embd),
            "mlp": ChordPerceptron(fixed.n_embd, 8 * fixed.n_embd // 3),
        },
    ),
    System(
        "attention",
        "E3, the circle",
        job="mixer: attention by distance",
        slot="mixer",
        furnish=lambda parts, fixed, tables: {"mixer": CircleAttention(fixed.n_embd, fixed.n_head)},
    ),
    System(
        "mla",
        "E6, projection",
        job="mixer: attention on the feet of perpendiculars to a plane, one small latent a token",
        slot="mixer",
        excludes={"rope": "its keys turn by themselves"},
        furnish=lambda parts, fixed, tables: {
            "mixer": Projection(fixed.n_embd, fixed.n_head, n_latent=fixed.n_embd // 2)
        },
    ),
    System(
        "ssm",
        "E2, rigid motion",
        job="mixer of every second block: planes that turn and shrink",
        furnish=lambda parts, fixed, tables: {"mixer": (parts["mixer"], RigidMotion(fixed.n_embd, fixed.n_head))},
    ),
    System(
        "moe",
        "E1, the regular simplex",
        job="perceptrons: experts at the vertices of a regular simplex, a token to the two of least power",
        furnish=lambda parts, fixed, tables: {"mlp": SimplexExperts(fixed.n_embd, fixed.n_embd)},
    ),
    System(
        "muon",
        "E7, the compass",
        job="optimizer of the blocks' matrices: turns along great circles, by the schedule's angle",
        train=lambda recipe: replace(recipe, hidden=Compass(rate=20.0)),
    ),
    System(
        "memory",
        "E19, Pythagoras",
        job="joins the model in evaluation and generation: votes of the nearest contexts, mixed by a gate",
        needs=("tokenize",),
        tables=lambda ids: memory_tables.tables(ids, corpus.vocabulary()),
        furnish=lambda parts, fixed, tables: memory.parts(parts["vocabulary"], below(tables, "memory")),
    ),
    System(
        "quantize",
        "E4, the lattice E8",
        job="a checkpoint in at most 4.5 bits a weight",
        command="--quantize RUN_DIR",
    ),
    System(
        "sample",
        "E10, extreme and mean ratio",
        job="chooses what is said next: many continuations at once, from points that stay apart",
        command="--sample N --run RUN_DIR",
    ),
)

PERSONA = Persona(
    name="euclid",
    thesis="From few postulates, by construction, with proof.",
    systems=SYSTEMS,
    default=("tokenize", "rope", "norm", "ssm", "memory"),
    sampler="golden",
    recipe=lambda max_iters: Recipe(
        peak_lr=1e-3, total_steps=max_iters, warmup_steps=200, schedule="cosine", weight_decay=2.0, dropout=0.1
    ),
)
