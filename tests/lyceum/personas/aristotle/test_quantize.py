"""Genus and species: codes differ at near-ties only, decoding is the same bit for bit, every block has a genus."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

from lyceum.personas.aristotle.quantize import fit, random_genera, restored
from lyceum.personas.aristotle.quantize.boxes import BLOCK, FLOOR
from lyceum.personas.aristotle.quantize.theorems import prefix

U = 2.0**-24
BACKENDS = {"reference": None, "torch": "torch_ref.arrays", "mlx": "mlx_impl.arrays"}


def function(backend, genera):
    """(method, array) -> array in float32."""
    if backend == "reference":
        return lambda method, x: getattr(genera, method)({}, x)
    return importlib.import_module(BACKENDS[backend]).functions(genera)


def encodings(n=20_000):
    genera, w = random_genera(np.random.default_rng(1), n=n)
    w = w.astype(np.float32)
    return genera, w, genera.encode({}, w.astype(np.float64))


def test_decoding_is_the_same_bit_for_bit():
    genera, _, codes = encodings()
    expected = genera.decode({}, codes).astype(np.float32)
    for backend in ("torch", "mlx"):
        assert np.array_equal(function(backend, genera)("decode", codes), expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_codes_in_float32_differ_at_near_ties_only(backend):
    genera, w, exact = encodings()
    codes = function(backend, genera)("encode", w)
    differ = np.flatnonzero((codes != exact).any(-1))
    assert len(differ) <= 20, f"{len(differ)} of {len(w)} blocks"
    for i in differ:
        x = w[i].astype(np.float64)
        decoded = [genera.decode({}, code[None, i])[0] for code in (codes, exact)]
        distances = [((x - d) ** 2).sum() for d in decoded]
        slack = sum(
            2 * (np.abs(x - d) * U * (np.abs(d) + np.abs(x - d))).sum() + 4 * U * e
            for d, e in zip(decoded, distances, strict=True)
        )
        walls = np.abs(np.abs(x - genera.centres).max(-1) - genera.radii)
        assert abs(distances[0] - distances[1]) <= slack or (walls <= U * genera.radii).any()


def test_the_backends_choose_the_same_codes():
    genera, w, _ = encodings()
    codes = genera.encode({}, w)
    assert codes.dtype == np.int32
    for backend in ("torch", "mlx"):
        assert np.array_equal(function(backend, genera)("encode", w), codes)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_quantizing_twice_in_float32_is_quantizing_once(backend, bits):
    genera, w, _ = encodings(4000)
    call = function(backend, replace(genera, bits=bits))
    once = call("decode", call("encode", w)).astype(np.float32)
    assert np.array_equal(call("decode", call("encode", once)).astype(np.float32), once)


def test_the_error_halves_with_every_bit():
    genera, w, codes = encodings(2000)
    for dropped in range(genera.bits + 1):
        coarser = replace(genera, bits=genera.bits - dropped)
        error = np.abs(w - coarser.decode({}, prefix(codes, dropped))).max(-1)
        assert (error <= genera.radii[codes[:, 0]] * 2.0**-coarser.bits * (1 + 1e-6)).all()


@pytest.mark.parametrize(
    "blocks", [np.zeros((5, BLOCK)), np.ones((1, BLOCK)), np.eye(BLOCK), -np.full((40, BLOCK), 0.3)]
)
def test_few_or_equal_blocks(blocks):
    blocks = blocks.astype(np.float32)
    genera = fit(blocks, 4, np.random.default_rng(0))
    assert genera.radii.min() >= FLOOR and genera.radii[0] >= np.abs(blocks).max()
    decoded = genera.decode({}, genera.encode({}, blocks))
    assert np.abs(decoded - blocks).max() <= genera.radii[0] / 16


def test_every_block_is_in_the_box_of_genus_0_and_tables_come_back():
    genera, w, _ = encodings()
    assert (np.abs(w).max(-1) <= genera.radii[0]).all() and not genera.centres[0].any()
    back = restored(genera.tables(), genera.bits)
    assert np.array_equal(back.centres, genera.centres) and np.array_equal(back.radii, genera.radii)


def test_the_same_stream_gives_the_same_genera():
    first, second = (random_genera(np.random.default_rng(3))[0] for _ in range(2))
    assert np.array_equal(first.centres, second.centres) and np.array_equal(first.radii, second.radii)
