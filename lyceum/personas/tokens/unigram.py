"""How often a token occurs: the smoothed unigram, from the training split alone.

Absolute discounting, with the mass of novelty measured and not assumed: cut the split into 12 stretches and count the
tokens of each that occur in no other; their share m is what the next text will bring. Seen tokens give up
D = m N / (types seen) each, p_w = (c_w - D)^+ / N; the freed mass goes to unseen tokens in proportion to the rate at
which their surface class brought novelty, (T_k + a m') / (A_k + a), with T_k novel tokens and A_k types that were or
are unseen.

Sources: Ney, Essen, Kneser 1994 (discounting); Jelinek & Mercer 1980 (held-out estimation).
"""

from __future__ import annotations

import numpy as np

from lyceum.personas.tokens.surface import category

STRETCHES, PSEUDO = 12, 0.5


def base_rates(ids: np.ndarray, vocabulary: list[bytes]) -> np.ndarray:
    """The smoothed unigram: (V,) float64, every entry positive, sum 1. ids: the training split (N,)."""
    n_vocab = len(vocabulary)
    counts = np.bincount(ids, minlength=n_vocab)
    novel = np.zeros(n_vocab)
    for stretch in np.array_split(ids, STRETCHES):
        inside = np.bincount(stretch, minlength=n_vocab)
        novel += np.where(inside == counts, inside, 0)
    unseen = counts == 0
    classes: dict[tuple, int] = {}
    surface_class = np.array([classes.setdefault(category(token), len(classes)) for token in vocabulary])
    brought = np.bincount(surface_class, weights=novel, minlength=len(classes))
    candidates = np.bincount(surface_class, weights=unseen | (novel > 0), minlength=len(classes))
    # One novel token at least, so that no id has probability 0, however short or repetitive the text.
    novelty = max(novel.sum(), 1.0)
    overall = novelty / max(1, (unseen | (novel > 0)).sum())
    rate = (brought + PSEUDO * overall) / (candidates + PSEUDO)
    discount = min(0.9, novelty / np.count_nonzero(counts))
    rates = np.maximum(counts - discount, 0) / len(ids)
    if not unseen.any():
        return rates / rates.sum()
    rates[unseen] = rate[surface_class[unseen]] / rate[surface_class[unseen]].sum() * (1 - rates.sum())
    return rates
