"""The predicates of A15: that they tell all tokens apart, and values by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyceum import corpus
from lyceum.personas import PersonaError, compose
from lyceum.personas.aristotle.superpose import MANY, N_LETTERS, random_superposition, steps
from lyceum.personas.aristotle.superpose.predicates import LEAST, NO_LETTER, divided, numbered, predicates


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (b" walked", ("w", "k", (True, "lower", "word"), b"ed", b"walk")),
        (b"Walking", ("w", "k", (False, "title", "word"), b"ing", b"walk")),
        (b" leave", ("l", "v", (True, "lower", "word"), b"e", b"leav")),
        (b" sing", ("s", "g", (True, "lower", "word"), b"", b"sing")),
        (b"ROMEO", ("r", "o", (False, "upper", "word"), b"", b"romeo")),
        (b"'ll", ("'", "l", (False, "lower", "mixed"), b"", b"'ll")),
        (b" 42", ("4", "2", (True, "none", "digits"), b"", b"42")),
        (b"\n", ("\n", "\n", (False, "none", "space"), b"", b"\n")),
        (b"\xc3", ("\xc3", "\xc3", (False, "none", "foreign"), b"", b"\xc3")),
    ],
)
def test_predicates(token, expected):
    first, last, *others = expected
    assert predicates(token) == (ord(first), ord(last), *others)


def test_a_space_alone_has_no_letters():
    assert predicates(b" ") == (NO_LETTER, NO_LETTER, (True, "none", "space"), b"", b"")


@given(st.binary(min_size=1, max_size=12))
def test_stem_and_ending_are_the_form(form):
    stem, ending = divided(form)
    assert stem + ending == form and (not ending or len(stem) >= LEAST)


def test_values_are_numbered_as_they_first_occur():
    values = numbered((b" walks", b"Talks", b" walk"))
    assert values[:, 2:].tolist() == [[0, 0, 0], [1, 0, 1], [0, 1, 0]] and values.dtype == np.int32
    assert values[:, :2].tolist() == [[ord("w"), ord("k")], [ord("t"), ord("k")], [ord("w"), ord("k")]]


def test_predicates_tell_all_tokens_apart():
    """Theorem 6. The stems are fewer than half of the ids."""
    values = numbered(corpus.vocabulary())
    assert len(np.unique(values[:, 2:], axis=0)) == 50_257
    assert (values.max(0) + 1).tolist() == [257, 257, 21, 36, 22_038]


def test_keys_run_through_all_angles_of_a_plane():
    assert steps(7, 4)[:, :3].T.tolist() == [[0, 1, 2, 3, 4, 5, 6], [0, 2, 4, 6, 1, 3, 5], [0, 3, 6, 2, 5, 1, 4]]
    assert np.array_equal(steps(7, 4)[:, 3], steps(7, 4)[:, 0])


def test_two_predicates_by_hand():
    """Of one plane: predicate 0 stays, predicate 1 is turned by a seventh of a turn."""
    spec = random_superposition(np.random.default_rng(0), n_embd=2)
    table = np.zeros((spec.rows.max() + 1, 2))
    table[spec.rows[5, 0]] += [3, 0]
    table[spec.rows[5, 2]] += [0, 2]
    angle = 2 * 2 * np.pi / 7
    expected = [3 - 2 * np.sin(angle), 2 * np.cos(angle)]
    first, second = spec.rows[5, :2]
    assert first != second
    np.testing.assert_allclose(spec.embed({"embed_predicate": table}, np.array([[5]]))[0, 0], expected)


def test_letters_share_a_table_and_no_other_predicates_do():
    columns = [set(column) for column in MANY.rows.T.tolist()]
    assert max(columns[0] | columns[1]) < N_LETTERS <= min(set.union(*columns[2:]))
    assert sum(map(len, columns[2:])) == len(set.union(*columns[2:]))


def test_exchanged_letters_make_another_vector():
    spec, g = random_superposition(np.random.default_rng(1)), np.random.default_rng(2)
    p = spec.initial(g, 1)
    backwards = type(spec)(**vars(spec) | {"rows": spec.rows[:, [1, 0, 2, 3, 4, 5, 6]]})
    ids = np.flatnonzero(spec.rows[:, 0] != spec.rows[:, 1])[None]
    assert (np.abs(spec.embed(p, ids) - backwards.embed(p, ids)).max(-1) > 1e-3).all()


def test_a_superposition_keeps_the_head_of_its_tree():
    initial = MANY.initial(np.random.default_rng(0), 1)
    assert set(initial) == {"embed_predicate", "head_genus", "head_species", "head_individual"}
    assert initial["embed_predicate"].std() == pytest.approx(0.02 * (3 / 7) ** 0.5, rel=0.05)


def test_genus_and_species_are_those_of_the_tree():
    genus, species, _ = MANY.path(np.arange(45))
    assert np.array_equal(MANY.rows[:, 2] - N_LETTERS, genus)
    first = N_LETTERS + genus.max() + 1
    assert np.array_equal(MANY.rows[:, 3] - first, genus * MANY.shape[1] + species)


def test_it_needs_the_tree():
    with pytest.raises(PersonaError, match="'superpose' needs 'tokenize'"):
        compose("aristotle", ["superpose"], ["tokenize", "memory"])
