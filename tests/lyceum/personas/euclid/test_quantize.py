"""The lattice E8: its error, equal codes in all backends, and codes that fit their bits."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest

from lyceum.personas.euclid.quantize import COARSEST, FINEST, LatticeE8, fit, restored
from lyceum.personas.euclid.quantize.deflate import deflate, inflate
from lyceum.quantization.codes import computing
from lyceum.rng import stream

LATTICE = LatticeE8(1500)
GRID = LATTICE.grid
STEP = 2 * LATTICE.half_step / GRID
E8 = 929 / 12960  # its second moment per dimension (Conway & Sloane 1982)


def reference(spec, method, rows):
    return getattr(spec, method)({}, rows)


BACKENDS = {"reference": reference, "torch": computing("torch", "cpu"), "mlx": computing("mlx", "cpu")}


def gaussian(n: int, sigma: float = 0.15) -> np.ndarray:
    return stream(0, "test-lattice").normal(0, sigma, (n, 8)).astype(np.float32).clip(-1, 1)


@pytest.mark.parametrize(("backend", "n"), [("reference", 1_000_000), ("torch", 200_000), ("mlx", 200_000)])
def test_second_moment(backend, n):
    """Per dimension, in squared steps: 0.0717 on Gaussian blocks; rounding each weight has 1/12."""
    w, total, call = gaussian(n), 0.0, BACKENDS[backend]
    for part in np.array_split(w, n // 50_000):
        total += ((call(LATTICE, "decode", call(LATTICE, "encode", part)) - part.astype(np.float64)) ** 2).sum()
    assert total / w.size / STEP**2 == pytest.approx(E8, abs=5e-4)
    assert total / w.size / STEP**2 < 1 / 12 - 0.01


def test_no_block_is_farther_than_a_step():
    """The covering radius of E8; (1, 0, ..., 0), in steps, is a deep hole and attains it."""
    hole = np.zeros((1, 8), np.float32)
    hole[0, 0] = STEP
    w = np.concatenate([gaussian(50_000), hole])
    away = (GRID * LATTICE.decode({}, LATTICE.encode({}, w)) - LATTICE.on_grid(w)) ** 2
    assert away.sum(-1).max() <= (2 * LATTICE.half_step) ** 2 == away.sum(-1)[-1]


def test_240_vectors_of_length_root_2_are_nearest_to_0():
    codes = np.array(list(product((-1, 0, 1), repeat=8)), np.int32)
    squares = ((LATTICE.decode({}, codes) / STEP) ** 2).sum(-1)
    assert (squares == 0).sum() == 1 and squares[squares > 0].min() == 2
    wide = np.array(list(product((-2, -1, 0, 1, 2), repeat=8)), np.int32)
    assert (((LATTICE.decode({}, wide) / STEP) ** 2).sum(-1) == 2).sum() == 240


@pytest.mark.parametrize("half_step", [FINEST, 37, 1024, 4999, COARSEST])
def test_the_backends_choose_the_same_codes(half_step):
    lattice = LatticeE8(half_step)
    w = np.concatenate([gaussian(20_000), gaussian(100, 2.0), np.ldexp(gaussian(20_000).round(3), -3)])
    ties = stream(1, "test-lattice").integers(-GRID // half_step, GRID // half_step, (20_000, 8)) * half_step / GRID
    w = np.concatenate([w, ties.astype(np.float32)])
    codes = lattice.encode({}, w)
    assert codes.dtype == np.int32
    for backend in ("torch", "mlx"):
        assert np.array_equal(BACKENDS[backend](lattice, "encode", w), codes)
        assert np.array_equal(BACKENDS[backend](lattice, "decode", codes), lattice.decode({}, codes).astype(np.float32))


@pytest.mark.parametrize("backend", ["torch", "mlx"])
def test_a_million_weights_a_second(backend):
    w, call, taken = gaussian(125_000), BACKENDS[backend], []
    for _ in range(3):
        start = time.process_time()
        call(LATTICE, "encode", w)
        taken.append(time.process_time() - start)
    assert w.size / min(taken) > 1e6


def test_weights_beyond_1_are_clipped():
    w = np.array([[3.0, -3, 0.5, 0, 0, 0, 0, 0], [np.inf] * 8], np.float32)
    assert np.array_equal(LATTICE.encode({}, w), LATTICE.encode({}, w.clip(-1, 1)))


def test_inflate_inverts_deflate():
    x = stream(2, "test-lattice").integers(-(2**15), 2**15, (33, 8)).astype(np.int32)
    x[:3] = [[-(2**15)], [0], [2**15 - 1]]
    packed = deflate(x)
    assert packed.dtype == np.uint8 and packed.ndim == 1
    assert np.array_equal(inflate(packed, x.shape), x)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_step_is_the_finest_whose_codes_fit(bits):
    w = gaussian(5000)
    lattice = fit(w, bits, stream(0, "unused"))
    bytes_of = [len(one.pack(one.encode({}, w))) for one in (lattice, LatticeE8(lattice.half_step * 15 // 16))]
    allowed = 5000 * (8 * bits + 1) / 8
    assert bytes_of[0] <= allowed + 64 and bytes_of[1] > allowed
    assert restored(lattice.tables(), bits) == lattice


@pytest.mark.parametrize("blocks", [np.zeros((5, 8)), np.ones((1, 8)), np.eye(8), -np.full((40, 8), 0.3)])
def test_few_or_equal_blocks(blocks):
    lattice = fit(blocks.astype(np.float32), 4, stream(0, "unused"))
    assert FINEST <= lattice.half_step <= COARSEST
    assert np.abs(lattice.decode({}, lattice.encode({}, blocks)) - blocks).max() <= 0.01
