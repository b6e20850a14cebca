"""A23, Barbara: its proof in numbers, texts by hand, and the heads as initial values of a model."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum import personas
from lyceum.personas.aristotle.circuit import WIDTH, Barbara, demonstration
from lyceum.personas.aristotle.circuit.start import channels
from lyceum.personas.model import forward
from lyceum.personas.spec.errors import PersonaError
from lyceum.personas.spec.names import below
from parity.project.tiny_models import tiny_plan, tiny_tables
from train_mps import FIXED

SPEC = Barbara()
P = SPEC.initial(np.random.default_rng(0), 1)
BARE = ("tokenize", "rope", "memory")
SYSTEMS = (*BARE, "circuit")


def read(letters: list[int], p=P) -> np.ndarray:
    """The probabilities of the letter after a text."""
    ids = np.array([letters], np.int32)
    _, *rotation = SPEC.positions({}, np.zeros((*ids.shape, 1)), ids)
    return np.exp(SPEC(p, ids, *rotation))[0, -1]


def test_the_numbers_of_the_proof():
    n = np.arange(-1, 63)
    kernel = np.cos(n) + np.cos(n * float(SPEC.positions.frequencies[0, 1]))
    lead = np.sort(2 - kernel)[1]
    assert lead > 0.2144 and n[np.argsort(2 - kernel)[1]] == 6
    gap = SPEC.gap
    first = 63 * np.exp(-SPEC.previous * lead)
    second = 63 * np.exp(-SPEC.induction * (gap**2 / (2 + gap) - 4 * first))
    assert 63 * np.exp(-SPEC.answer * (gap - 4 * second)) < 2.8e-5


def test_codes():
    """Unit vectors, 64 of them, whose greatest product is 1 - g: one hand, one hour apart."""
    products = SPEC.codes() @ SPEC.codes().T
    np.testing.assert_allclose(np.diagonal(products), 1)
    np.testing.assert_allclose((products - 2 * np.eye(64)).max(), 1 - SPEC.gap)
    np.testing.assert_allclose(SPEC.codes()[[0, 18]], np.array([[1, 1, 0, 0], [0, 0, 1, 1]]) / np.sqrt(2), atol=1e-15)


def test_barbara():
    """BARBA -> R: the first head attends to the letter before, the second to what followed the same letter."""
    shown = demonstration()
    np.testing.assert_allclose(shown.previous, np.eye(5, k=-1) + np.diag([1.0, 0, 0, 0, 0]), atol=1e-6)
    assert shown.induction.argmax(1)[3:].tolist() == [1, 2] and shown.induction.max(1)[3:].min() > 0.999
    assert [chr(32 + letter) for letter in shown.probabilities.argmax(1)[3:]] == ["A", "R"]
    assert shown.probabilities.max(1)[3:].min() > 0.9999


@pytest.mark.parametrize("text", ["", "barba", 65 * "A"])
def test_a_text_that_it_cannot_read_is_one_sentence(text):
    with pytest.raises(PersonaError, match="give 1 to 64 capitals"):
        demonstration(text)


@pytest.mark.parametrize(
    ("letters", "after"),
    [([7, 7], 7), ([7, 8, 7], 8), ([7, 15, 7], 15), ([0, 7, 7], 7), ([7, 43, 43, 7], 43), ([*range(62), 63, 0], 1)],
)
def test_short_texts_and_near_letters(letters, after):
    """8 and 15 differ from 7 by one hour of one hand; 43 is the letter most unlike 7."""
    assert read(letters)[after] > 0.9999


def test_without_its_last_term_the_first_position_competes():
    """Position 0 reads itself, so that A seems to come after A."""
    p = P | {"second.qkv.weight": P["second.qkv.weight"].copy()}
    p["second.qkv.weight"][32:40, :4] = 0
    np.testing.assert_allclose(read([7, 43, 7], p)[[7, 43]], 0, atol=0.5)
    assert read([7, 43, 7], p)[43] < 0.9 < read([43, 7, 9, 7], p)[9]


@pytest.fixture(scope="module")
def plans():
    """Aristotle of the contract's sizes over 97 ids, without and with the written heads."""
    tables = tiny_tables("aristotle")
    plans = (personas.plan("aristotle", FIXED, None, tables, systems) for systems in (BARE, SYSTEMS))
    return {name: (plan, plan.initial(3)) for name, plan in zip(("without", "with"), plans, strict=True)}


def test_initial_values_alone_differ(plans):
    """The same layers, names and shapes; all that is not written is drawn as before, bit for bit."""
    (plan, drawn), (other, written) = plans["without"], plans["with"]
    assert list(plan.layers())[2:] == list(other.layers())[2:]
    assert [(name, x.shape, x.dtype) for name, x in drawn.items()] == [
        (name, x.shape, x.dtype) for name, x in written.items()
    ]
    changed = {name for name in drawn if not np.array_equal(drawn[name], written[name])}
    assert changed == {
        *(f"vocabulary.{use}_{level}" for use in ("embed", "head") for level in ("genus", "species", "individual")),
        *(f"blocks.{i}.mixer.{name}.weight" for i in (0, 1) for name in ("qkv", "out")),
    }
    qkv = [values["blocks.0.mixer.qkv.weight"].reshape(3, 4, WIDTH, 32) for values in (drawn, written)]
    assert np.array_equal(qkv[0][:, 1:], qkv[1][:, 1:]) and not np.array_equal(qkv[0][:, 0], qkv[1][:, 0])


def weights(spec, p, x, *rotation) -> np.ndarray:
    """Where every head of a mixer attends, (B, H, T, T)."""
    return spec.weights(p, *spec.parts(p, x, *rotation)[:2])


def attention(plan, values: dict[str, np.ndarray], ids: np.ndarray) -> list[np.ndarray]:
    """Where head 0 of the first two blocks attends, (B, T, T)."""
    p = {name: x.astype(np.float64) for name, x in values.items()}
    inputs = forward.inputs(plan, p, ids, {})
    _, *rotation = plan.skeleton.position(p, forward.embedded(plan, p, ids), ids)
    mixers = [block.mixer for block in plan.skeleton.blocks[:2]]
    return [weights(m.spec, below(p, m.name), inputs[m.name], *rotation)[:, 0] for m in mixers]


def test_the_heads_attend_from_the_start(plans):
    """On texts without a sentence end whose second half repeats their first; a token comes twice."""
    g = np.random.default_rng(0)
    ids = np.stack([np.tile(g.permutation(np.flatnonzero(np.arange(97) % 9))[:32], 2) for _ in range(4)])
    scores = {}
    for name, (plan, values) in plans.items():
        first, second = attention(plan, values, ids.astype(np.int32))
        scores[name] = np.diagonal(first, -1, 1, 2).mean(), np.diagonal(second, -31, 1, 2)[:, 1:].mean()
    assert scores["without"][0] < 0.1 and scores["without"][1] < 0.05
    assert scores["with"][0] > 0.9 and scores["with"][1] > 0.25


def test_it_copies_from_the_first_step(plans):
    """Before any training the second half of a repeated text is more likely than its first."""
    g = np.random.default_rng(1)
    ids = np.stack([np.tile(g.permutation(np.flatnonzero(np.arange(97) % 9))[:32], 2) for _ in range(8)])
    gain = {}
    for name, (plan, values) in plans.items():
        p = {key: x.astype(np.float64) for key, x in values.items()}
        losses = forward.losses(plan, p, ids, np.roll(ids, -1, 1), {})
        gain[name] = losses[:, :31].mean() - losses[:, 32:-1].mean()
    assert abs(gain["without"]) < 1e-9 and gain["with"] > 0.03


def test_a_tiny_model_takes_it():
    tiny_plan("aristotle", systems=SYSTEMS).initial(0)


@pytest.mark.parametrize(
    ("on", "off", "sentence"),
    [
        (("circuit",), (), "'mla' and 'circuit' exclude each other"),
        (("circuit", "rope", "ssm"), ("mla",), "the second block must be attention"),
        (("circuit",), ("mla",), "'circuit' needs 'rope'"),
        (("circuit", "rope"), ("mla", "tokenize", "memory"), "'circuit' needs 'tokenize'"),
    ],
)
def test_what_it_cannot_be_enabled_with_is_one_sentence(on, off, sentence):
    with pytest.raises(PersonaError, match=sentence):
        personas.compose("aristotle", on, ("superpose", *off))


def test_with_grow_the_first_blocks_are_those_that_are_active():
    systems = personas.compose("aristotle", ("rope", "circuit", "grow"), ("superpose", "mla"))
    values = personas.plan("aristotle", FIXED, None, tiny_tables("aristotle"), systems).initial(0)
    sharp = [np.abs(values[f"blocks.{i}.mixer.qkv.weight"]).max() > 1 for i in range(4)]
    assert sharp == [False, True, True, False]
    with pytest.raises(PersonaError, match="needs two blocks from the start"):
        tiny_plan("aristotle", systems=systems).initial(0)


def test_too_few_channels_are_one_sentence():
    with pytest.raises(PersonaError, match="'circuit' needs 22 channels, the model has 16"):
        channels(16, 8)
