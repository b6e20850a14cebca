"""Batches: what they contain, what they depend on, and that blocks cover the validation split once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyceum.corpus import Corpus
from lyceum.corpus.batches import train_batch, val_batch, val_blocks
from lyceum.rng import stream


def counting(n_train: int = 500, n_val: int = 300) -> Corpus:
    """Splits whose tokens are their positions, so that a batch shows where it comes from."""
    return Corpus(np.arange(n_train, dtype=np.uint16), np.arange(n_val, dtype=np.uint16), "counting")


DRAWS = {
    "training": lambda text, number: train_batch(text, 1, number, 8, 64),
    "validation": lambda text, number: val_batch(text, number, 8, 64),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_shapes_dtypes_and_shift(draw):
    ids, targets = draw(counting(), 0)
    assert ids.shape == targets.shape == (8, 64)
    assert ids.dtype == targets.dtype == np.int32
    assert np.array_equal(targets, ids + 1), "a target is the next token"
    assert np.array_equal(ids, ids[:, :1] + np.arange(64)), "a block is consecutive"


@pytest.mark.parametrize(("draw", "length"), [(DRAWS["training"], 500), (DRAWS["validation"], 300)])
def test_starts_are_uniform_over_every_full_block(draw, length):
    """A block and its last target fit after the last start: starts 0 .. length - 65."""
    starts = np.concatenate([draw(counting(), number)[0][:, 0] for number in range(1500)])
    counts = np.bincount(starts)
    possible = length - 64
    assert len(counts) == possible and counts.min() > 0
    expected = len(starts) / possible
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_squared - possible) < 5 * np.sqrt(2 * possible)


def test_training_batches_are_addressed_by_seed_and_step():
    text = counting()
    first = train_batch(text, 1, 7, 8, 64)
    assert np.array_equal(first, train_batch(text, 1, 7, 8, 64))
    assert not np.array_equal(first, train_batch(text, 2, 7, 8, 64))
    assert not np.array_equal(first, train_batch(text, 1, 8, 8, 64))


def test_validation_batches_do_not_depend_on_the_run():
    """Neither on a seed, which they do not take, nor on the training split or what was drawn from it before."""
    first = val_batch(counting(), 3, 8, 64)
    text = counting(n_train=400)
    train_batch(text, 99, 0, 8, 64)
    assert np.array_equal(first, val_batch(text, 3, 8, 64))
    assert not np.array_equal(first, val_batch(text, 4, 8, 64))


def test_the_101_batches_of_the_contract():
    """Golden values: were they to change, no figure could be compared with an earlier one."""
    starts = [val_batch(Corpus(np.arange(9), np.arange(36_059), ""), i, 8, 64)[0][:, 0] for i in range(101)]
    assert starts[0].tolist() == [26145, 31602, 20970, 20550, 18565, 18219, 25744, 13001]
    assert sum(int(row.sum()) for row in starts) == 14_638_989


def test_the_shortest_split():
    """65 tokens hold one block."""
    ids, targets = train_batch(counting(n_train=65), 0, 0, 3, 64)
    assert ids.tolist() == [list(range(64))] * 3 and targets[:, -1].tolist() == [64] * 3


@given(n_val=st.integers(65, 400), batch_size=st.integers(1, 5), block_size=st.integers(1, 64))
def test_blocks_cover_every_token_once(n_val, batch_size, block_size):
    blocks = list(val_blocks(counting(n_val=n_val), batch_size, block_size))
    assert all(x.shape == (batch_size, block_size) for block in blocks for x in block)
    assert {tuple(x.dtype.name for x in block) for block in blocks} == {("int32", "int32", "float32")}
    ids, targets, weight = (np.concatenate([block[i] for block in blocks]).reshape(-1) for i in range(3))
    assert targets[weight == 1].tolist() == list(range(1, n_val))
    assert ids[weight == 1].tolist() == list(range(n_val - 1))
    assert set(weight) <= {0.0, 1.0} and weight.sum() == n_val - 1
    # Padding comes after the text, and no batch is padding alone.
    assert (np.diff(weight) <= 0).all() and len(blocks) == -(-(n_val - 1) // (batch_size * block_size))


def test_streams_of_training_and_validation_differ():
    text = Corpus(np.arange(5000), np.arange(5000), "")
    pairs = [(train_batch(text, 0, i, 8, 64)[0], val_batch(text, i, 8, 64)[0]) for i in range(20)]
    assert not any(np.array_equal(*pair) for pair in pairs)
    assert stream(0, "train-batch", 0).random() != stream(0, "val-batch", 0).random()
