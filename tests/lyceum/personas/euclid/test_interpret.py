"""E16, perpendiculars: values by hand, angles against SciPy, and the maps of a tiny model."""

from __future__ import annotations

from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles

import mlx_impl.arrays
import mlx_impl.euclid.interpret
import torch_ref.arrays
import torch_ref.euclid.interpret
from lyceum import personas
from lyceum.cli import main
from lyceum.personas.euclid.interpret import CIRCLE, LINE, N_VOCAB, Perpendiculars
from lyceum.personas.euclid.interpret.gram_schmidt import directions, triangle
from lyceum.personas.euclid.interpret.heat_maps import heat_maps
from lyceum.personas.euclid.interpret.nearest import nearest
from lyceum.personas.euclid.memory import random_evidence
from lyceum.personas.euclid.mla import Projection
from lyceum.personas.euclid.norm import SphereNorm
from lyceum.personas.lens.heat_map import Reading
from lyceum.personas.lens.theorems import texts
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.names import below
from lyceum.personas.spec.system import changes
from parity.project.full_model import drawn
from parity.project.tiny_models import tiny_plan
from tests.lyceum.cli.conftest import train

IDS, TARGETS, _ = texts(np.random.default_rng(0), N_VOCAB)


def test_gram_and_schmidt_by_hand():
    """(3, 4) and (5, 0): the second has 3 along the first, and 4 at right angles to it."""
    assert np.allclose(triangle(np.array([[3.0, 4.0], [5.0, 0.0]])), [[5, 3], [0, 4]])


@pytest.mark.parametrize("backend", ["numpy", "torch", "mlx"])
def test_nothing_new_has_no_direction(backend):
    """A vector of zeros, and one that lies among those before it, whatever rounding leaves of it."""
    x = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    x[2], x[3] = 0, x[0] - x[1]
    made = {
        "numpy": lambda: directions(x),
        "torch": lambda: torch_ref.euclid.interpret.directions(torch.from_numpy(x)).numpy(),
        "mlx": lambda: np.array(mlx_impl.euclid.interpret.directions(mx.array(x))),
    }[backend]()
    assert not made[2:4].any()
    np.testing.assert_allclose(made @ made.T, np.diag([1, 1, 0, 0, 1]), atol=1e-6)


def test_a_frozen_sphere_by_hand():
    """x = (3, 4) has length 5: each term is divided by it, and multiplied by the radius 10."""
    terms = np.array([[3.0, 0.0], [0.0, 4.0]])
    frozen = SphereNorm(2).frozen({"radius": np.array(10.0)}, terms.sum(0), terms)
    assert frozen.tolist() == [[6, 0], [0, 8]]


def test_the_logits_of_the_line_are_its_levels_but_for_their_normalisers():
    line = LINE.modules["vocabulary"]
    p = below(Case("", LINE, None).parameters(np.random.default_rng(1)), "vocabulary")
    x, ids = np.random.default_rng(2).normal(size=8), np.arange(N_VOCAB)
    vectors, constants = line.directions(p, ids)
    row, column = line.levels(p, x)
    q, r = divmod(line.rank, 6)
    left = (vectors @ x + constants) - np.stack([row[q], column[q, r]], -1)
    assert np.ptp(left[:, 0]) < 1e-12 and all(np.ptp(left[q == each, 1]) < 1e-12 for each in range(8))


def test_cosines_are_those_of_principal_angles():
    """Against SciPy, for what the second block's heads read of the first's."""
    p = Case("", LINE, None).parameters(np.random.default_rng(3))
    singular = np.linalg.svd(LINE.cosines(p), compute_uv=False)
    assert [block for block, _ in LINE.readers()] == [1] * 6 + [2] * 2 and len(LINE.writers()) == 4
    for h in range(2):
        read = p["blocks.1.mixer.motion.weight"][4 * h : 4 * h + 4].T
        for k in range(2):
            written = p["blocks.0.mixer.out.weight"][:, 4 * k : 4 * k + 4]
            expected = np.cos(subspace_angles(read, written))[::-1]
            np.testing.assert_allclose(singular[6 + h, k], expected, atol=1e-12)


def test_planes_that_are_equal_and_planes_at_right_angles():
    p = Case("", LINE, None).parameters(np.random.default_rng(3))
    p["blocks.0.mixer.out.weight"] = np.eye(8)
    p["blocks.1.mixer.motion.weight"][:8] = 5 * np.eye(8)
    shares = (LINE.cosines(p)[6:, :2] ** 2).sum((2, 3)) / 4
    np.testing.assert_allclose(shares, np.eye(2), atol=1e-15)


def reading(spec: Perpendiculars, ids: np.ndarray = IDS) -> Reading:
    p = Case("", spec, None).parameters(np.random.default_rng(2))
    words = tuple("abcdef")
    return Reading(ids[:1], TARGETS[:1], words, words, 3, lambda method, *x: getattr(spec, method)(p, *x))


@pytest.mark.parametrize("spec", [LINE, CIRCLE], ids=["line", "circle"])
def test_the_maps_say_what_they_say(spec):
    added, shares, gave, every, heads, closest = heat_maps(spec, reading(spec))
    p = Case("", spec, None).parameters(np.random.default_rng(2))
    outputs = spec.outputs(p, IDS[:1])[0, 3]
    np.testing.assert_allclose(np.nansum(added.values[:-1] ** 2, 1), (outputs**2).sum(1))
    assert (added.values[-1] ** 2).sum() == pytest.approx((outputs.sum(0) ** 2).sum())
    np.testing.assert_allclose(shares.values.sum(0), 1)
    np.testing.assert_allclose(shares.values[:, 3], added.values[-1] ** 2 / (added.values[-1] ** 2).sum())
    np.testing.assert_allclose(gave.values[:-1].sum(0), gave.values[-1])
    np.testing.assert_allclose(every.values[:, 3], gave.values[:-1, 2])
    assert gave.columns == ("quotient", "remainder", "sum") and added.rows[-1] == "stream"
    assert heads.columns == ("block 1, head 1", "block 1, head 2") and np.isfinite(heads.values).all()
    first = np.cos(np.radians(closest.values[0]))
    assert (first**2).mean() - 4 / 8 == pytest.approx(heads.values.max()) and (np.diff(closest.values) > -1e-9).all()


def test_mixers_without_planes_have_no_angles():
    spec = Perpendiculars(LINE.modules | {"mixer": Projection(8, 2, 4, 2)}, 2)
    assert spec.readers() == () and len(heat_maps(spec, reading(spec))) == 4


def test_the_nearest_contexts_are_the_nearest():
    """Against every context of the text whose latest, second or third token is that of the query."""
    evidence, ids = random_evidence(np.random.default_rng(5)), np.array([7, 3, 3, 0, 1, 2])
    weights, e = np.array(evidence.space.lag_weights), np.vstack([evidence.coordinates, np.zeros(16)])
    near = nearest(evidence, ids, 8)
    everywhere, query = {}, ids[::-1][:5]
    for piece in evidence.pieces:
        padded = np.concatenate([np.full(4, -1), piece])
        for t in range(5, len(padded)):
            context = padded[t - 5 : t][::-1]
            if (context == query)[:3].any():
                apart = 1024 * (context != query) + ((e[context] - e[query]) ** 2).sum(1)
                point = everywhere.setdefault((*context, padded[t]), [weights @ apart, 0])
                point[1] += 1
    expected = sorted(distance for distance, _ in everywhere.values())[:8]
    assert [each.squares.sum() for each in near] == pytest.approx(expected)
    for each in near:
        assert everywhere[(*each.context, each.target)] == [pytest.approx(each.squares.sum()), each.count]
    (with_memory,) = heat_maps(replace(LINE, modules=LINE.modules | {"evidence": evidence}), reading(LINE))[6:]
    np.testing.assert_allclose(with_memory.values[:, :-1].sum(1), with_memory.values[:, -1])
    assert with_memory.columns[0] == "lag 1, d" and "→" in with_memory.rows[0] and with_memory.columns[4] == "lag 5"


def test_it_is_a_command():
    with pytest.raises(PersonaError, match="run it with lyceum interpret RUN TEXT"):
        personas.compose("euclid", ["interpret"])


@pytest.mark.slow
@pytest.mark.parametrize("backend", [torch_ref.arrays, mlx_impl.arrays], ids=["torch", "mlx"])
@pytest.mark.parametrize("name", changes(personas.find("euclid")))
def test_sums_on_every_composition(name, backend):
    plan = tiny_plan("euclid", systems=changes(personas.find("euclid"))[name])
    spec, parameters = Perpendiculars(plan.modules, plan.fixed.n_layer), drawn(plan, 0)[0]
    float32 = {name: np.asarray(value, np.float32) for name, value in parameters.items()}
    call = backend.functions(spec, "cpu", float32)
    ids, targets, _ = texts(np.random.default_rng(0), 97)
    contributions = call("contributions", ids, targets)
    assert contributions.shape[2] == len(spec.sites()) + 1
    np.testing.assert_allclose(contributions.sum(2), call("logits", ids, targets), rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(call("pieces", ids).sum(2), call("terms", ids).sum(2), rtol=2e-4, atol=2e-4)
    if spec.readers():
        assert call("cosines").shape[:2] == (len(spec.readers()), len(spec.writers()))


@pytest.mark.slow
def test_the_command_writes_a_page(tmp_path):
    run = train(tmp_path, "euclid", systems=("tokenize", "rope"))
    assert main(["interpret", str(run), "To be or not to be", "--device", "cpu", "--position", "3"]) == 0
    page = (run / "interpret.html").read_text(encoding="utf-8")
    assert all(title in page for title in ("What each layer added", "What heads read of heads", "The planes that lie"))
    assert "The nearest contexts" not in page, "it has no memory"
