"""Theorem 4 of the category tree, counted: a target's loss costs O(sqrt V), the full distribution O(V)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lyceum.personas.aristotle import tokenize
from torch_ref.registry import build

N_VOCAB, WIDTH, TOKENS = 50_257, 32, 7


def flops(method: str, *arguments) -> float:
    """Multiplications and additions a token of one of the tree's methods, at the contract's vocabulary."""
    groups = np.array_split(np.arange(N_VOCAB), 1024)
    tables = tokenize.arrange(groups, np.full(N_VOCAB, 1 / N_VOCAB), (32, 32))
    tree = build(tokenize.CategoryTree(WIDTH, **tables))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        getattr(tree, method)(torch.zeros(TOKENS, WIDTH), *arguments)
    return counter.get_total_flops() / TOKENS


def test_a_target_costs_less_than_five_square_roots():
    dot_products = flops("log_prob", torch.arange(TOKENS)) / (2 * WIDTH)
    assert dot_products == 32 + 1024 + 50
    assert dot_products < 5 * math.sqrt(N_VOCAB)


def test_the_full_distribution_costs_the_vocabulary():
    assert flops("log_probs") / (2 * WIDTH) == pytest.approx(N_VOCAB, rel=0.05)
