"""Small plans of every persona and a small corpus, on which whole training runs are compared in seconds.

Nothing but the sizes differs from the real thing: 97 ids, blocks of 16, two layers of width 16, the persona's own
parts, recipe and dropout. The corpus is a Markov chain with Zipf-like probabilities, so that there is something to
learn.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import personas
from corpus import Corpus
from corpus.chance import stream
from personas import Plan
from personas.aristotle import tokenize
from personas.baseline.vocabulary import TiedVocabulary
from training.contract import Fixed

N_VOCAB = 97


def small_fixed(steps: int) -> Fixed:
    """Sizes for a run of `steps` iterations."""
    return Fixed(
        batch_size=4, block_size=16, n_layer=2, n_head=2, n_embd=16, max_iters=steps, eval_interval=10, eval_batches=1
    )


def small_plan(name: str, steps: int = 200) -> Plan:
    """The plan of persona `name` with small sizes and a vocabulary of 97 ids."""
    fixed = small_fixed(steps)
    if name == "baseline":
        plan = personas.plan(name, fixed, None, tables={})
        return replace(plan, parts=plan.parts | {"vocabulary": TiedVocabulary(16, N_VOCAB, 128)})
    generator = stream(0, "small-tree")
    groups = np.array_split(generator.permutation(N_VOCAB), 12)
    tables = tokenize.arrange(groups, generator.dirichlet(np.ones(N_VOCAB)), (4, 3))
    return personas.plan(name, fixed, None, tables=tables)


def small_corpus() -> Corpus:
    """4,000 training and 500 validation ids of a Markov chain over 97 ids."""
    generator = stream(0, "small-corpus")
    likely = 1 / np.arange(1, N_VOCAB + 1)
    successors = np.stack([generator.permutation(N_VOCAB) for _ in range(N_VOCAB)])
    ranks = generator.choice(N_VOCAB, size=4500, p=likely / likely.sum())
    ids = np.zeros(4500, np.uint16)
    for i in range(1, len(ids)):
        ids[i] = successors[ids[i - 1], ranks[i]]
    return Corpus(ids[:4000], ids[4000:], "a Markov chain over 97 ids")
