"""E23, the algorithm: states by hand, the golden section, mirrors of rotations, and the start of a model."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum import personas
from lyceum.cli import main
from lyceum.personas.euclid.circuit import Subtraction, demonstration
from lyceum.personas.euclid.circuit.mirrors import planes, reflections, rotary
from lyceum.personas.euclid.circuit.start import written
from lyceum.personas.euclid.circuit.theorems import PAIRS, quotients
from lyceum.personas.euclid.rope import Mirrors
from lyceum.personas.model import forward
from lyceum.personas.spec.errors import PersonaError
from parity.project.layers import evaluator
from parity.project.tiny_models import tiny_plan, tiny_tables
from train_mps import FIXED

SPEC = Subtraction()
P = SPEC.initial(np.random.default_rng(0), 1)
ROPE = Mirrors(4, 8)


def test_states_by_hand():
    """60 and 42: 102, 42; ordered; 42, 18; 24, 18; 18, 6; 12, 6; 6, 6, where the measure is reached."""
    expected = [[102, 42], [60, 42], [42, 18], [24, 18], [18, 6], [12, 6], [6, 6]]
    assert demonstration(60, 42).tolist() == expected
    assert quotients(60, 42) == 6 and demonstration(42, 60)[1:].tolist() == expected[1:]


def test_the_longest_takes_64_steps():
    steps = np.array([quotients(int(a), int(b)) for a, b in PAIRS])
    assert steps.max() == 64 and PAIRS[steps == 64].tolist() == [[1, 64], [63, 64], [64, 1], [64, 63]]
    assert len(demonstration(64, 1)) == 65


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("backend", ["torch", "mlx"])
def test_half_precisions_are_exact_too(backend, dtype):
    states = evaluator(backend, dtype)(SPEC, P, "__call__", PAIRS)
    assert (states == SPEC(P, PAIRS)).all()


def test_the_extreme_and_mean_ratio_never_ends():
    """(phi, 1) becomes itself, smaller by phi: magnitudes without a common measure (X.2)."""
    golden = (1 + 5**0.5) / 2
    states = Subtraction(8)(P, np.array([[golden - 1, 1.0]]))[0]
    np.testing.assert_allclose(states, golden ** -np.arange(9.0)[:, None] * [golden, 1], rtol=1e-11)


def product(rows: np.ndarray) -> np.ndarray:
    """The product of mirrors, in order."""
    q = np.eye(rows.shape[1])
    for v in rows:
        q = q @ (np.eye(len(v)) - 2 * np.outer(v, v))
    return q


def orthogonal(g: np.random.Generator, n: int, still: int = 0) -> np.ndarray:
    """An orthogonal matrix of order n that fixes `still` dimensions."""
    basis = np.linalg.qr(g.normal(size=(n, n)))[0]
    moved = np.eye(n)
    moved[still:, still:] = np.linalg.qr(g.normal(size=(n - still, n - still)))[0]
    return basis @ moved @ basis.T


@pytest.mark.parametrize("n", [1, 2, 3, 8, 17])
def test_mirrors_of_any_orthogonal_matrix(n):
    """As many as the dimensions that are not fixed, and so at most n."""
    g = np.random.default_rng(n)
    for still in range(n + 1):
        q = orthogonal(g, n, still) if still < n else np.eye(n)
        rows = reflections(q)
        np.testing.assert_allclose(product(rows), q, atol=1e-12)
        fixed = n - np.linalg.matrix_rank(q - np.eye(n), tol=1e-8)
        assert len(rows) == n - fixed <= n - still
        assert np.linalg.matrix_rank(rows) == len(rows)


def test_mirrors_by_hand():
    """An exchange of two axes is one mirror; half a turn of a plane is two; -1 is n."""
    exchange = np.eye(4)[[1, 0, 2, 3]]
    np.testing.assert_allclose(np.abs(reflections(exchange)), [[0.5**0.5, 0.5**0.5, 0, 0]])
    assert len(reflections(np.diag([-1.0, 1, -1, 1]))) == 2 and len(reflections(-np.eye(4))) == 4


@pytest.mark.parametrize("case", ["drawn", "identity", "minus one", "mixed"])
def test_planes_of_any_rotation(case):
    drawn = orthogonal(np.random.default_rng(3), 8)
    drawn[:, 0] *= np.linalg.det(drawn)
    rotation = {
        "drawn": drawn,
        "identity": np.eye(8),
        "minus one": -np.eye(8),
        "mixed": drawn @ np.diag([1.0, 1, -1, -1, -1, -1, 1, 1]) @ drawn.T,
    }[case]
    frame, angles = planes(rotation)
    cos, sin = np.diag(np.cos(angles)), np.diag(np.sin(angles))
    np.testing.assert_allclose(frame @ np.block([[cos, -sin], [sin, cos]]) @ frame.T, rotation, atol=1e-12)
    np.testing.assert_allclose(frame.T @ frame, np.eye(8), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1)


def test_a_reflection_has_no_planes():
    with pytest.raises(ValueError, match="a reflection has no planes"):
        planes(np.diag([1.0, 1, 1, -1]))


def reached(mirrors: np.ndarray) -> int:
    """How many directions of the rotations of a head slight changes of its mirrors reach, by differences."""
    spec, directions = Mirrors(1, 8), []
    p = {"angles": np.zeros(4), "gain": np.ones(8)}
    for i in range(64):
        move = 1e-6 * np.eye(64)[i]
        ends = [spec.frame(p | {"mirrors": mirrors + sign * move})[0] for sign in (1, -1)]
        directions.append((ends[0] - ends[1]).ravel() / 2e-6)
    return np.linalg.matrix_rank(np.array(directions), tol=1e-6)


def test_every_turn_is_reached_from_the_start():
    """All 28 directions of the rotations of order 8; from mirrors in equal pairs 22."""
    drawn = ROPE.initial(np.random.default_rng(0), 4)["mirrors"]
    changed = written(ROPE, rotary(8, 100.0), drawn)["mirrors"]
    assert len(reflections(planes(rotary(8, 100.0))[0])) == 8
    assert reached(drawn[:64]) == 22 and reached(changed[:64]) == 28


@pytest.fixture(scope="module")
def plans():
    """Euclid of the contract's sizes over 97 ids, without and with written mirrors, and their initial values."""
    default = personas.find("euclid").default
    plans = (
        personas.plan("euclid", FIXED, None, tiny_tables("euclid"), systems)
        for systems in (default, (*default, "circuit"))
    )
    return [(plan, plan.initial(3)) for plan in plans]


def test_initial_values_of_the_mirrors_alone_differ(plans):
    (_, drawn), (_, changed) = plans
    assert [(name, x.shape, x.dtype) for name, x in drawn.items()] == [
        (name, x.shape, x.dtype) for name, x in changed.items()
    ]
    assert {name for name in drawn if not np.array_equal(drawn[name], changed[name])} == {"position.mirrors"}


def test_a_model_begins_with_rotary_positions_of_neighbours(plans):
    """It equals the drawn model whose projections give the neighbours 2i, 2i + 1 as coordinates i, i + w/2."""
    (plan, drawn), (other, changed) = plans
    order, moved = np.arange(8).reshape(4, 2).T.ravel(), dict(drawn)
    for name in (name for name in drawn if name.endswith("mixer.qkv.weight")):
        weight = drawn[name].reshape(3, 4, 8, 32).copy()
        weight[:2] = weight[:2][:, :, order]
        moved[name] = weight.reshape(96, 32)
    ids = np.random.default_rng(0).integers(0, 97, (2, 64))
    values = [{name: x.astype(float) for name, x in each.items()} for each in (moved, changed)]
    hidden = [forward.hidden(each, p, ids, {}) for each, p in zip((plan, other), values, strict=True)]
    np.testing.assert_allclose(*hidden, atol=1e-5)


def test_a_tiny_model_takes_it():
    tiny_plan("euclid", systems=(*personas.find("euclid").default, "circuit")).initial(0)


def test_it_needs_mirrors():
    with pytest.raises(PersonaError, match="'circuit' needs 'rope'"):
        personas.compose("euclid", ("circuit",), ("rope",))


def test_the_command(capsys):
    assert main(["circuit", "60", "42"]) == 0
    assert "measure of 60 and 42 is 6, reached in step 6" in capsys.readouterr().out


@pytest.mark.parametrize("numbers", [("0", "4"), ("4", "65"), ("4", "x")])
def test_other_numbers_are_one_sentence(capsys, numbers):
    assert main(["circuit", *numbers]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(PersonaError, match="give two numbers from 1 to 64"):
        demonstration(4, 65)
