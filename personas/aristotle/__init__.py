"""Aristotle: to know a thing is to know its category, its causes and its purpose.

The default model is the baseline with the tree of categories (A8) at both ends. The text is short (17 epochs of
302,000 tokens), so the recipe regularises: dropout, a cosine down to zero, and a strong decoupled decay. With learning
rate 1e-3, decay 2 forgets over 500 steps, so a rare token's vectors fall back to its genus between its occurrences.
The recipe was chosen on the last tenth of the training split, held out from training; validation had no part in it.
"""

from __future__ import annotations

import corpus
from personas import baseline
from personas.aristotle import tokenize
from personas.persona import Persona, Recipe


def parts(fixed, tables) -> dict:
    """The baseline's parts, with the category tree for its vocabulary."""
    tree = tokenize.CategoryTree(fixed.n_embd, **tables)
    return baseline.parts(fixed, tables) | {"vocabulary": tree}


PERSONA = Persona(
    name="aristotle",
    thesis="To know a thing is to know its category, its causes and its purpose.",
    systems=("aristotle.tokenize",),
    recipe=lambda max_iters: Recipe(
        peak_lr=1e-3, total_steps=max_iters, warmup_steps=200, schedule="cosine", weight_decay=2.0, dropout=0.1
    ),
    tables=lambda train_ids: tokenize.tables(train_ids, corpus.vocabulary()),
    parts=parts,
)
