"""A19, De Memoria: the model, counts of the text and the block itself, mixed by a gate.

Idea. One recollects by what was contiguous, by what is similar, and by what was lately present (De Memoria 451b). A
small model trained on a short text is good at what is similar and forgets the particular; counts remember the
particular and know nothing else. They err at different tokens, so a gate weighs them anew at every position, by what it
can see there: how often this context occurred, what followed it, how sure the model is.

Equations. Part 0 is the model, parts 1 to 19 are those of `lyceum.personas.aristotle.memory.evidence`, mixed as in
`lyceum.personas.memory.mixture`: W is 20 x 22, for 19 features of the counts and 3 of the model's uncertainty.

How the gate is fitted. A gate fitted on text that one part has memorised trusts the wrong part. So the first 90 % of
the training split are cut into four stretches. For each stretch a model is trained and counts are made on the other
three; the gate is fitted on all four stretches together (`python -m lyceum memory-gate aristotle`). It depends on
counts and entropies, never on words, so it is a constant of the persona, `gate.json`. The last tenth of the training
split selected the parts and features. The memory acts in evaluation and generation; training runs as without it.

Equal weights of model and Kneser-Ney, with uniform at order 0, are 0.16 nats worse; gates fitted on text that either
part had learned from were worse still. Order 0 is surface form and a little uniform: see `evidence`.

Theorems.
 1. sum_w p(w) = 1: every part sums to 1, or is absent with weight 0; the weights sum to 1.
 2. With W = 0, v = 0 and only the three orders and order 0, p is interpolated modified Kneser-Ney
    (`lyceum.personas.aristotle.memory.kneser_ney`) over .895 seen + .1 novel + .005 uniform: the six offsets are the
    logs of its products of backoff masses, which sum to 1, so the softmax does not change them.
 3. Counts made without a stretch are those of a recount without it (`counts`); the fit of the gate uses this.
 4. Causality: weights at position t are functions of ids[: t + 1], p_i(w) of those and w.
 5. log_prob is log_probs at the target.

Cost. 302,000 tokens are counted in about a second, once; a batch of 8 x 64 targets costs 14 binary searches each. The
full distribution costs 20 V at a position. No trained parameters; a training step costs nothing more.
Sources: Kneser & Ney 1995; Chen & Goodman 1999; Jelinek & Mercer 1980 (interpolation on held-out text); Wolpert 1992
(cross-fitted mixtures); Grave et al. 2017 (cache); Neubig & Dyer 2016 (neural and counted mixtures).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import logsumexp

from lyceum import corpus
from lyceum.personas.aristotle.memory import tables
from lyceum.personas.aristotle.memory.evidence import ORDER_0, ORDERS, Evidence
from lyceum.personas.aristotle.memory.kneser_ney import kneser_ney
from lyceum.personas.aristotle.memory.tables import GATE, evidence
from lyceum.personas.aristotle.tokenize import CategoryTree, random_tree
from lyceum.personas.memory.evidence import ABSENT
from lyceum.personas.memory.gate import gate
from lyceum.personas.memory.mixture import Mixture
from lyceum.personas.properties.memories import theorems
from lyceum.personas.spec import tiny
from lyceum.personas.spec.case import Case, Theorem
from lyceum.personas.spec.system import System

PARTS, FEATURES = Evidence.parts(), Evidence.FEATURES


def modules_of(tree: CategoryTree, tables: dict[str, np.ndarray]) -> dict:
    """The modules "memory" and "evidence" of a plan, from the tables."""
    return {"memory": Mixture(tables["weight"]), "evidence": evidence(tree, tables, tables["text"])}


def random_evidence(g: np.random.Generator, n_text: int = 300) -> Evidence:
    """A text over 40 of 45 ids in two pieces, a random tree, random surface classes and constants."""
    tree = random_tree(g)
    text = g.choice(40, size=n_text, p=(likely := 1 / np.arange(1, 41)) / likely.sum())
    constants = {name: (0.3 * g.normal(size=value.shape)).astype(np.float32) for name, value in gate(GATE).items()}
    tables = constants | {"surface_class": g.integers(0, 4, size=45)}
    return evidence(tree, tables, text[: n_text // 2], text[n_text // 2 + 20 :])


def random_gate(g: np.random.Generator) -> Mixture:
    """A mixture with random weights."""
    return Mixture((0.3 * g.normal(size=(1 + len(PARTS), len(FEATURES) + 3))).astype(np.float32))


GATED, REAL = random_gate(np.random.default_rng(19)), random_evidence(np.random.default_rng(19))


def _drawn(g: np.random.Generator, *shape: int, n_vocab: int = 0, absent: float = 0.3) -> tuple[np.ndarray, ...]:
    """Arguments of `log_probs` over n_vocab ids, or of `log_prob` at n_vocab = 0. absent: the share of absent parts."""
    model, ids = (g.normal(size=(*shape, n_vocab)), (n_vocab,)) if n_vocab else (g.normal(size=shape), ())
    offsets, parts = g.normal(size=(*shape, len(PARTS))), g.normal(size=(*shape, len(PARTS), *ids)) - 4
    gaps = [np.where(g.random(x.shape) < absent, ABSENT, x) for x in (offsets, parts)]
    return model - 5, g.normal(size=(*shape, 3)), g.normal(size=(*shape, len(FEATURES))), *gaps


def _of_text(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Arguments of `log_prob` with the evidence of a text."""
    ids, targets = g.integers(0, 45, size=(2, 2, 9)).astype(np.int32)
    evidence = (x.astype(np.float64) for x in REAL.for_targets(ids, targets))
    return g.normal(size=(2, 9)) - 5, g.normal(size=(2, 9, 3)), *evidence


CASES = (
    Case("memory: log_prob", GATED, lambda g: _drawn(g, 3, 7), "log_prob"),
    Case("memory: log_prob, the contract's sizes", GATED, lambda g: _drawn(g, 8, 64), "log_prob"),
    Case("memory: log_prob, of a text", Mixture(gate(GATE)["weight"]), _of_text, "log_prob"),
    Case("memory: log_prob, all parts absent", GATED, lambda g: _drawn(g, 2, 3, absent=1.0), "log_prob"),
    Case("memory: log_probs", GATED, lambda g: _drawn(g, 3, n_vocab=45), "log_probs"),
)


def _batch(g: np.random.Generator) -> tuple[Mixture, Evidence, np.ndarray, np.ndarray, np.ndarray]:
    """A gate, a text, ids (4, 6), the model's log probabilities (4, 6, 45) and its uncertainty (4, 6, 3)."""
    log_probs = g.normal(size=(4, 6, 45))
    ids = g.choice(12, size=(4, 6)).astype(np.int32)
    log_probs -= logsumexp(log_probs, axis=-1, keepdims=True)
    return random_gate(g), random_evidence(g), ids, log_probs, g.normal(size=(4, 6, 3))


def _kneser_ney(evaluate, g):
    _, text, ids, log_probs, uncertainty = _batch(g)
    text = replace(text, size_weight=np.zeros((len(text.contexts), 2)))
    weight = np.zeros((1 + len(PARTS), len(FEATURES) + 3), np.float32)
    weight[[name not in (*ORDERS, *ORDER_0) for name in ("model", *PARTS)], 0] = ABSENT
    at = rows, positions = np.arange(4), np.arange(4)  # with one to four tokens before the target
    evidence = (x.astype(np.float64) for x in text.for_all_ids(ids, positions))
    mixed = evaluate(Mixture(weight), {}, "log_probs", log_probs[at], uncertainty[at], *evidence)
    expected = []
    for row, t in zip(rows, positions, strict=True):
        novel = text.novelty.probs(ids[row, t], np.arange(45))
        base = sum(share * p for share, p in zip(text.order_0, (text.seen, novel, 1 / 45), strict=True))
        history = tuple(map(int, ids[row, max(0, t - 2) : t + 1]))
        expected.append(kneser_ney(text.pieces, history, base))
    return np.exp(mixed), np.stack(expected)


THEOREMS = (
    *theorems("memory", _batch),
    Theorem("memory: Kneser-Ney", "at W = 0, v = 0 it is interpolated modified Kneser-Ney", _kneser_ney, length=64),
)


SYSTEM = System(
    "memory",
    "A19, De Memoria",
    job="evaluation and generation: the model mixed with counts of the text and of the block, by a gate",
    needs=("tokenize",),
    tables=lambda ids: tables.tables(ids, corpus.vocabulary()),
    tiny_tables=lambda: tiny.memory_tables() | gate(GATE),
    build=lambda modules, sizes, tables: modules_of(modules["vocabulary"], tables),
    memory=tables,
)
