"""Small plans of every persona and system, and a small corpus, on which whole training runs are compared in seconds.

Nothing but the sizes differs from the real thing: 97 ids, blocks of 16, two layers of width 16, the persona's own
parts, recipe and dropout. Tables of 2,000 rows for so few ids would not only be slow: MLX adds 60,000 squares one after
the other, in float64 2e-14 off and always to the same side, so that 50 clipped steps do not average it away as
`parity.rounding` supposes. The corpus is a Markov chain with Zipf-like probabilities, so that there is something to
learn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

import personas
from corpus import Corpus
from corpus.chance import stream
from personas import Plan
from personas.aristotle import memory_tables, tokenize
from personas.baseline.vocabulary import TiedVocabulary
from personas.euclid import memory_tables as euclid_memory
from personas.euclid import tokenize as division
from personas.euclid.circles import AXES
from personas.euclid.remainders import primes
from personas.gate import gate
from personas.system import changes
from training.contract import Fixed

N_VOCAB = 97


def small_fixed(steps: int) -> Fixed:
    """Sizes for a run of `steps` iterations."""
    return Fixed(
        batch_size=4, block_size=16, n_layer=2, n_head=4, n_embd=16, max_iters=steps, eval_interval=10, eval_batches=1
    )


def small_plan(name: str, steps: int = 200, systems: Iterable[str] | None = None) -> Plan:
    """The plan of persona `name` with small sizes and a vocabulary of 97 ids. systems: None takes its default."""
    plan = personas.plan(name, small_fixed(steps), None, small_tables(name), systems)
    vocabulary = plan.parts["vocabulary"]
    if isinstance(vocabulary, TiedVocabulary):
        vocabulary = TiedVocabulary(plan.fixed.n_embd, N_VOCAB, 128)
    elif isinstance(vocabulary, division.Division):
        vocabulary = replace(vocabulary, moduli=primes(len(division.MODULI), least=11))
    return replace(plan, parts=plan.parts | {"vocabulary": vocabulary})


def small_tables(name: str) -> dict[str, np.ndarray]:
    """The tables of every system of persona `name` that has some, for 97 ids."""
    tables = {"aristotle": _aristotle, "euclid": _euclid}.get(name, dict)()
    return {f"{system}.{table}": array for system, own in tables.items() for table, array in own.items()}


def _aristotle() -> dict[str, dict[str, np.ndarray]]:
    generator = stream(0, "small-tree")
    groups = np.array_split(generator.permutation(N_VOCAB), 12)
    tree = tokenize.arrange(groups, generator.dirichlet(np.ones(N_VOCAB)), (4, 3))
    # One id in nine ends a sentence.
    ends = (np.arange(N_VOCAB) % 9 == 0).astype(np.int32)
    memory = {"text": small_corpus().train, "kind": (np.arange(N_VOCAB) % 5).astype(np.uint16)} | gate(
        memory_tables.GATE
    )
    return {"tokenize": tree, "rope": {"ends": ends}, "memory": memory}


def _euclid() -> dict[str, dict[str, np.ndarray]]:
    generator = stream(0, "small-line")
    line = division.arrange(generator.permutation(N_VOCAB), generator.dirichlet(np.ones(N_VOCAB)), 11)
    corner = generator.integers(-9, 10, (N_VOCAB, AXES)).astype(np.int8)
    memory = _text() | gate(euclid_memory.GATE) | {"corner": corner}
    return {"tokenize": line, "memory": memory}


def _text() -> dict[str, np.ndarray]:
    """What a memory remembers: the text, and a surface class for every id."""
    return {"text": small_corpus().train, "kind": (np.arange(N_VOCAB) % 5).astype(np.uint16)}


def small_plans(steps: int = 200) -> dict[str, Plan]:
    """Each persona's small plan, then those one change away from it, by title."""
    plans = [small_plan(name, steps) for name in personas.PERSONAS]
    for persona in personas.PERSONAS.values():
        plans += [small_plan(persona.name, steps, names) for names in changes(persona).values()]
    return {plan.title: plan for plan in plans}


def trained_plans(steps: int = 200) -> dict[str, Plan]:
    """The small plans whose training is held over many steps, by title: one for each rule of update."""
    rules = [small_plan(name, steps, changes(personas.PERSONAS[name])["muon"]) for name in ("aristotle", "euclid")]
    plans = [*(small_plan(name, steps) for name in personas.PERSONAS), *rules]
    return {plan.title: plan for plan in plans}


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
