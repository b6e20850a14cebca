"""The tables of A8's tree: which token is where, and the base rates of every node."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from lyceum.personas.aristotle.tokenize.halving import divide
from lyceum.personas.tokens.neighbours import coordinates
from lyceum.personas.tokens.unigram import base_rates

LEVELS = (5, 5)  # halvings to the genera, and from there to the species


def tables(train_ids: np.ndarray, vocabulary: list[bytes]) -> dict[str, np.ndarray]:
    """The tables of `arrange` for a training split (N,) and the byte string of every id."""
    rates = base_rates(train_ids, vocabulary)
    counts = np.bincount(train_ids, minlength=len(vocabulary))
    # One thread: the sums, and so the tree, are the same on any number of cores.
    with threadpool_limits(1, "blas"):
        groups = divide(coordinates(train_ids, vocabulary), np.sqrt(counts) + 0.1, sum(LEVELS))
    return arrange(groups, rates, (2 ** LEVELS[0], 2 ** LEVELS[1]))


def arrange(groups: list[np.ndarray], rates: np.ndarray, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """The tables of a tree whose species are, in order, `groups` of ids. rates (V,) > 0. shape: (genera, species each).

    leaf: (V,) int32. base_genus, base_species, base_individual: log p0(g), log p0(s | g), log p0(i | s) at every
    node, shapes (genera,), (genera, species), (genera, species, individuals), float32, -inf at empty leaves. They are
    rounded to float32 here, once, so that reference and backends read the same numbers in every precision.
    """
    width = max(len(group) for group in groups)
    leaf = np.empty(len(rates), dtype=np.int32)
    filled = np.zeros((len(groups), width))
    for index, group in enumerate(groups):
        leaf[group] = index * width + np.arange(len(group))
        filled[index, : len(group)] = rates[group]
    nodes = filled.reshape(*shape, width)
    levels = {"individual": nodes, "species": nodes.sum(2), "genus": nodes.sum((1, 2))}
    with np.errstate(divide="ignore"):
        logs = {f"base_{name}": np.log(level / level.sum(-1, keepdims=True)) for name, level in levels.items()}
    return {"leaf": leaf} | {name: log.astype(np.float32) for name, log in logs.items()}
