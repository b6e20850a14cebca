"""The scores of heads, by hand."""

from __future__ import annotations

import numpy as np

from lyceum.personas.lens.scores import induction, previous_token, uniform


def test_a_previous_token_head_by_hand():
    attention = np.eye(4, k=-1)
    attention[0, 0] = 1
    assert previous_token(attention) == 1 and previous_token(np.eye(4)) == 0
    np.testing.assert_allclose(previous_token(uniform(3)), (1 / 2 + 1 / 3) / 2)
    assert np.isnan(previous_token(np.ones((1, 1))))


def test_an_induction_head_by_hand():
    """5 7 5 7: the second 5 looks at the first 7, the second 7 at the second 5."""
    ids, attention = np.array([[5, 7, 5, 7]]), np.zeros((1, 2, 4, 4))
    attention[0, :, 2, 1] = 1
    attention[0, 1, 3, 2] = 0.5
    assert induction(attention, ids).tolist() == [0.5, 0.75], "the mean over both"


def test_what_follows_at_once_is_no_induction():
    """In 5 5 the token after the first 5 is the position itself."""
    assert np.isnan(induction(np.ones((1, 1, 2, 2)), np.array([[5, 5]])))
    attention = np.tile(uniform(3), (1, 1, 1, 1))
    np.testing.assert_allclose(induction(attention, np.array([[5, 5, 5]])), 1 / 3)
    assert np.isnan(induction(attention, np.array([[1, 2, 3]])))
