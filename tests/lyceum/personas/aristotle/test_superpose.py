"""The predicates of A15: that they tell all tokens apart, and values by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyceum import corpus
from lyceum.personas import PersonaError, compose
from lyceum.personas.aristotle.superpose import MANY, in_one_table, random_superposition, steps
from lyceum.personas.aristotle.superpose.predicates import LEAST, divided, numbered, predicates


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (b" walked", (True, "lower", "word", b"ed", b"walk")),
        (b"Walking", (False, "title", "word", b"ing", b"walk")),
        (b" leave", (True, "lower", "word", b"e", b"leav")),
        (b" sing", (True, "lower", "word", b"", b"sing")),
        (b"ROMEO", (False, "upper", "word", b"", b"romeo")),
        (b"'ll", (False, "lower", "mixed", b"", b"'ll")),
        (b" 42", (True, "none", "digits", b"", b"42")),
        (b"  ", (True, "none", "space", b"", b" ")),
        (b"\n", (False, "none", "space", b"", b"\n")),
        (b"\xc3", (False, "none", "foreign", b"", b"\xc3")),
    ],
)
def test_predicates(token, expected):
    assert predicates(token) == expected


@given(st.binary(min_size=1, max_size=12))
def test_stem_and_ending_are_the_form(form):
    stem, ending = divided(form)
    assert stem + ending == form and (not ending or len(stem) >= LEAST)


def test_values_are_numbered_by_first_occurrence():
    values = numbered((b" walks", b"Talks", b" walk"))
    assert values.tolist() == [[0, 0, 0, 0, 0], [1, 1, 0, 0, 1], [0, 0, 0, 1, 0]] and values.dtype == np.int32


def test_predicates_tell_all_tokens_apart():
    """Theorem 6. The stems are fewer than half of the ids."""
    values = numbered(corpus.vocabulary())
    assert len(np.unique(values[:, [0, 1, 3, 4]], axis=0)) == 50_257
    assert (values.max(0) + 1).tolist() == [2, 5, 6, 36, 22_038]


def test_tables_stand_one_below_the_other():
    assert in_one_table(np.array([[0, 0], [2, 1], [1, 0]], np.int32)).tolist() == [[0, 3], [2, 4], [1, 3]]


def test_steps_run_through_all_lines_of_a_plane():
    assert steps(7, 4)[:, :3].T.tolist() == [[0, 1, 2, 3, 4, 5, 6], [0, 2, 4, 6, 1, 3, 5], [0, 3, 6, 2, 5, 1, 4]]
    assert np.array_equal(steps(7, 4)[:, 3], steps(7, 4)[:, 0])


def test_two_predicates_by_hand():
    """Of one plane: predicate 0 lies on the first channel, predicate 1 a seventh of half a turn from it."""
    spec = random_superposition(np.random.default_rng(0), n_embd=2)
    table = np.zeros((spec.rows.max() + 1, 1))
    table[spec.rows[5, 0]], table[spec.rows[5, 1]] = 3, 2
    angle = np.pi / 7
    expected = [3 + 2 * np.cos(angle), 2 * np.sin(angle)]
    np.testing.assert_allclose(spec.embed({"embed_predicate": table}, np.array([[5]]))[0, 0], expected)


def test_a_superposition_keeps_the_head_of_its_tree():
    initial = MANY.initial(np.random.default_rng(0), 1)
    assert set(initial) == {"embed_predicate", "head_genus", "head_species", "head_individual"}
    first_stem = MANY.rows[:, -1].min()
    assert not initial["embed_predicate"][first_stem:].any() and initial["embed_predicate"][:first_stem].all()


def test_genus_and_species_are_those_of_the_tree():
    genus, species, _ = MANY.path(np.arange(45))
    pairs = {(int(a), int(b)) for a, b in zip(genus, MANY.rows[:, 0], strict=True)}
    assert len(pairs) == len(set(genus)) == len(set(MANY.rows[:, 0]))
    nodes = {(int(a), int(b), int(c)) for a, b, c in zip(genus, species, MANY.rows[:, 1], strict=True)}
    assert len(nodes) == len({node[:2] for node in nodes}) == len({node[2] for node in nodes})


def test_it_needs_the_tree():
    with pytest.raises(PersonaError, match="'superpose' needs 'tokenize'"):
        compose("aristotle", ["superpose"], ["tokenize", "memory"])
