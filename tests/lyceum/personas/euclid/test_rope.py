"""E5: its initial values are rotary positions; mirrors have an effect once gains differ."""

from __future__ import annotations

import numpy as np

from lyceum.personas.euclid.rope import CONTRACT
from lyceum.rng import stream


def test_the_start_is_rotary_positions_with_normalised_vectors():
    p, x = CONTRACT.initial(stream(0, "mirrors"), 4), stream(1, "mirrors").normal(size=(1, 4, 5, 8))
    z = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
    turn = np.exp(1j * np.arange(5)[:, None] * 100.0 ** (-np.arange(4) / 4)) * (z[..., :4] + 1j * z[..., 4:])
    turned = CONTRACT.turn(p, x, np.arange(5)[None])
    np.testing.assert_allclose(turned, np.concatenate([turn.real, turn.imag], axis=-1), atol=1e-12)


def test_with_gains_that_differ_mirrors_do_what_no_projection_can():
    """Queries lie on an ellipsoid A A^T; without mirrors its axes are the coordinate axes, whatever the projection."""
    p = CONTRACT.initial(stream(0, "mirrors"), 4)
    gain = {"gain": stream(1, "mirrors").uniform(0.5, 2, 32)}
    mirrors = {"mirrors": stream(2, "mirrors").normal(size=p["mirrors"].shape)}

    def slant(p: dict[str, np.ndarray]) -> float:
        a = CONTRACT.frame(p).swapaxes(1, 2)
        square = a @ a.swapaxes(1, 2)
        return np.abs(square * (1 - np.eye(8))).max()

    assert slant(p | gain) < 1e-12 and slant(p | mirrors) < 1e-12
    assert slant(p | gain | mirrors) > 0.3


def test_decay_touches_nothing():
    assert all(value.ndim == 1 for value in CONTRACT.initial(stream(0, "mirrors"), 4).values())
