"""E19, memory: contexts are points; the tokens that followed the nearest of them are what to expect.

Idea. Every context of the training text is a point, kept with the token that followed it. A new context is a point too;
the points near it vote for what followed them, the nearer the louder. Distance is Pythagoras': lags are perpendicular,
identity and kinship are perpendicular again, so squared distances add, and a part never exceeds the whole
(`lyceum.personas.euclid.memory.neighbours`). Coincidence on one lag draws a circle; three circles, on the three latest
lags, and three rulers, from wide to narrow, give nine guides; the tenth counts the whole first circle
(`lyceum.personas.euclid.memory.evidence`).

Equations. Part 0 is the model, parts 1 to 15 are those of `lyceum.personas.euclid.memory.evidence`, mixed as in
`lyceum.personas.memory.mixture`: W is 16 x 27, for 24 features of the neighbours and 3 of the model's uncertainty.

How the gate is fitted. A gate fitted on text that one part has memorised trusts the wrong part. So the training split
is cut into four stretches, and for each a model is trained and points are made on the other three; the gate is fitted
on all four together (`python -m lyceum memory-gate euclid`). The memory acts in evaluation and generation; training
runs as without it. The last tenth of the training split, left out of points, model and gate, selected the guides (loss
there, with one model; the same with the guides of Aristotle's memory is 4.603):

    one circle, three rulers 4.638        three circles 4.623        the same, e on its 16 main axes 4.598

Theorems.
 1. The nearest of a circle are the nearest of all points under a weight of its lag that no other sum reaches (pruning
    by partial distance is exact), and distances have no rounding.
 2. The parts of a squared distance add up to it, and none exceeds it.
 3. sum_w p(w) = 1: every guide is a distribution (`votes`) or absent.
 4. The points of pieces of a text are those of a recount without the stretch between them: no context crosses a cut.
 5. Causality: a query is made of ids[: t + 1].

Cost. Points of 302,000 tokens in 1 s; a query reads its three circles, 0.3 ms; 16 V for a full distribution.
Sources: Euclid, Elements I, common notion 4 (what coincides is equal), postulate 3, proposition 47; Khandelwal et al.
2020 (kNN-LM); Friedman, Baskett & Shustek 1975 (partial distances); Ney, Essen & Kneser 1994.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from lyceum import corpus
from lyceum.personas.euclid.memory import tables
from lyceum.personas.euclid.memory.evidence import Evidence
from lyceum.personas.euclid.memory.neighbours import AXES
from lyceum.personas.euclid.memory.tables import GATE, evidence
from lyceum.personas.memory.gate import gate
from lyceum.personas.memory.mixture import Mixture
from lyceum.personas.properties.memories import Batch, theorems
from lyceum.personas.spec import tiny
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.system import System
from lyceum.rng import stream

PARTS, FEATURES = Evidence.parts(), Evidence.FEATURES


def modules_of(vocabulary, tables: dict[str, np.ndarray]) -> dict:
    """The modules "memory" and "evidence" of a plan, from the tables."""
    return {"memory": Mixture(tables["weight"]), "evidence": evidence(vocabulary, tables, tables["text"])}


def random_evidence(g: np.random.Generator, n_text: int = 900) -> Evidence:
    """A text over 40 of 45 ids in two pieces, random surface classes, coordinates and constants."""
    text = g.choice(40, size=n_text, p=(likely := 1 / np.arange(1, 41)) / likely.sum())
    constants = {name: (0.3 * g.normal(size=value.shape)).astype(np.float32) for name, value in gate(GATE).items()}
    tables = constants | {"surface_class": g.integers(0, 4, size=45)}
    tables |= {"coordinates": g.integers(-12, 13, (45, AXES)).astype(np.int8)}
    return evidence(None, tables, text[: n_text // 2], text[n_text // 2 + 20 :])


def random_gate(g: np.random.Generator) -> Mixture:
    """A mixture with random weights."""
    return Mixture((0.3 * g.normal(size=(1 + len(PARTS), len(FEATURES) + 3))).astype(np.float32))


REAL = random_evidence(np.random.default_rng(19))


def _of_text(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Arguments of `log_prob` with the evidence of a text."""
    ids, targets = g.integers(0, 45, size=(2, 2, 9)).astype(np.int32)
    evidence = (x.astype(np.float64) for x in REAL.for_targets(ids, targets))
    return g.normal(size=(2, 9)) - 5, g.normal(size=(2, 9, 3)), *evidence


def _of_text_all_ids(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Arguments of `log_probs` with the evidence of a text."""
    ids = g.integers(0, 45, size=(2, 9)).astype(np.int32)
    evidence = (x.astype(np.float64) for x in REAL.for_all_ids(ids, np.array([3, 8])))
    return g.normal(size=(2, 45)) - 4, g.normal(size=(2, 3)), *evidence


CASES = (
    Case("recollection: log_prob, of a text", Mixture(gate(GATE)["weight"]), _of_text, "log_prob"),
    Case("recollection: log_probs, of a text", Mixture(gate(GATE)["weight"]), _of_text_all_ids, "log_probs"),
    Case("recollection: log_prob, any gate", random_gate(np.random.default_rng(19)), _of_text, "log_prob"),
)


def _batch(g: np.random.Generator) -> Batch:
    log_probs = g.normal(size=(4, 6, 45))
    log_probs -= logsumexp(log_probs, axis=-1, keepdims=True)
    gate, evidence = random_gate(g), random_evidence(g)
    return gate, evidence, g.choice(12, size=(4, 6)).astype(np.int32), log_probs, g.normal(size=(4, 6, 3))


THEOREMS = theorems("recollection", _batch)


def _tiny_tables() -> dict[str, np.ndarray]:
    coordinates = stream(0, "tiny-coordinates").integers(-9, 10, (tiny.N_VOCAB, AXES)).astype(np.int8)
    return tiny.memory_tables() | gate(GATE) | {"coordinates": coordinates}


SYSTEM = System(
    "memory",
    "E19, Pythagoras",
    job="memory, for evaluation and generation: votes of the nearest contexts, mixed with the model by a gate",
    needs=("tokenize",),
    tables=lambda ids: tables.tables(ids, corpus.vocabulary()),
    tiny_tables=_tiny_tables,
    build=lambda modules, sizes, tables: modules_of(modules["vocabulary"], tables),
    memory=tables,
)
