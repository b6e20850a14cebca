"""Aristotle: to know a thing is to know its category, its causes and its purpose.

The default model is the best composition of his systems that was found (RESULTS.md has the screening table). The text
is short (17 epochs of 302,000 tokens), so the recipe regularises: dropout, a cosine down to zero, and a strong
decoupled decay. With learning rate 1e-3, decay 2 forgets over 500 steps, so a rare token's vectors fall back to its
genus between its occurrences. The recipe was chosen on the last tenth of the training split, held out from training;
validation had no part in it.
"""

from __future__ import annotations

from dataclasses import replace

import corpus
from personas.aristotle import memory, memory_tables, rope, tokenize
from personas.aristotle.attention import Syllogism
from personas.aristotle.mla import LatentAttention
from personas.aristotle.moe import PorphyryTree
from personas.aristotle.muon import Muon
from personas.aristotle.norm import GatedMesotes, GoldenMean
from personas.aristotle.ssm import SelectiveStateSpace
from personas.names import below
from personas.persona import Persona
from personas.recipe import Recipe
from personas.system import System


def _memory(parts, fixed, tables) -> dict:
    return memory.parts(parts["vocabulary"], below(tables, "memory"))


SYSTEMS = (
    System(
        "tokenize",
        "A8, the categories",
        job="embedding and output head: a tree of genus, species and individual over the vocabulary",
        slot="vocabulary",
        tables=lambda ids: tokenize.tables(ids, corpus.vocabulary()),
        furnish=lambda parts, fixed, tables: {
            "vocabulary": tokenize.CategoryTree(fixed.n_embd, **below(tables, "tokenize"))
        },
    ),
    System(
        "rope",
        "A5, the square of opposition",
        job="positions: rotary, by place and by sentence",
        slot="position",
        tables=lambda ids: {"ends": rope.sentence_ends(corpus.vocabulary())},
        furnish=lambda parts, fixed, tables: {
            "position": rope.square(fixed.n_embd // fixed.n_head, fixed.n_head, tables["rope.ends"])
        },
    ),
    System(
        "norm",
        "A9, the golden mean",
        job="norms and perceptrons: a scale between two means, gates that rest at 1",
        furnish=lambda parts, fixed, tables: {
            "norm": GoldenMean(fixed.n_embd),
            "mlp": GatedMesotes(fixed.n_embd, 8 * fixed.n_embd // 3),
        },
    ),
    System(
        "attention",
        "A3, the syllogism",
        job="mixer: attention that concludes from its premises",
        slot="mixer",
        furnish=lambda parts, fixed, tables: {"mixer": Syllogism(fixed.n_embd, fixed.n_head)},
    ),
    System(
        "mla",
        "A6, the organon",
        job="mixer: attention on one small latent a token, with four kinds of heads",
        slot="mixer",
        excludes={"rope": "its keys turn by themselves"},
        furnish=lambda parts, fixed, tables: {"mixer": LatentAttention(fixed.n_embd, fixed.n_head)},
    ),
    System(
        "ssm",
        "A2, the four causes",
        job="mixer of every second block: a selective state space",
        furnish=lambda parts, fixed, tables: {
            "mixer": (parts["mixer"], SelectiveStateSpace(fixed.n_embd, fixed.n_head))
        },
    ),
    System(
        "moe",
        "A1, the tree of Porphyry",
        job="perceptrons: experts by genus and species, reached by questions",
        furnish=lambda parts, fixed, tables: {"mlp": PorphyryTree(fixed.n_embd, 3, 5 * fixed.n_embd // 8)},
    ),
    System(
        "muon",
        "A7, premises and conclusion",
        job="optimizer of the blocks' matrices: orthogonal momentum, where the gradient agrees",
        train=lambda recipe: replace(recipe, hidden=Muon(rate=2.0, weight_decay=1.0)),
    ),
    System(
        "memory",
        "A19, De Memoria",
        job="joins the model in evaluation and generation: counts of the text and of the block, mixed by a gate",
        needs=("tokenize",),
        tables=lambda ids: memory_tables.tables(ids, corpus.vocabulary()),
        furnish=_memory,
    ),
    System(
        "quantize",
        "A4, genus and species",
        job="a checkpoint in 4.5 bits a weight",
        command="--quantize RUN_DIR",
    ),
    System(
        "sample",
        "A10, modality",
        job="chooses what is said next: the impossible never, the necessary at once, the contingent by what is typical",
        command="--sample TEXT --run RUN_DIR",
    ),
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
