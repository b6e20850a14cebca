"""Bit planes come back, and those cut off behind leave coarser codes."""

from __future__ import annotations

import numpy as np

from lyceum.personas.model.bit_planes import pack, unpack
from lyceum.rng import stream


def test_codes_are_packed_from_coarse_to_fine():
    g = stream(0, "test-pack")
    codes = np.concatenate([g.integers(0, 8, (13, 1)), g.integers(0, 16, (13, 8))], axis=1).astype(np.int32)
    planes = [(0, 2), (0, 1), (0, 0)] + [(1 + i, bit) for bit in (3, 2, 1, 0) for i in range(8)]
    packed = pack(codes, planes)
    assert packed.shape == (35, 2) and packed.dtype == np.uint8
    assert np.array_equal(unpack(packed, planes, 13), codes)
    coarser = unpack(packed[:-8], planes[:-8], 13)
    assert np.array_equal(coarser[:, 1:] >> 1, codes[:, 1:] >> 1) and not (coarser[:, 1:] & 1).any()
