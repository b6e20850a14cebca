"""The square of opposition: sentence ends, positions, and what the corners do to a score."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum import corpus
from lyceum.personas.aristotle.rope import CONTRACT, sentence_ends, square


@pytest.mark.parametrize("token", (b".", b"?", b"!", b" .", b"...", b".'", b'?"', b"!--", b".)", b". "))
def test_what_ends_a_sentence(token):
    assert sentence_ends([token]) == [1]


@pytest.mark.parametrize("token", (b",", b";", b":", b"--", b" the", b"'s", b"\n", b".5", b"a.b", b"\xe2\x80"))
def test_what_does_not(token):
    assert sentence_ends([token]) == [0]


def test_a_text_by_hand():
    """The full stop belongs to the sentence that it ends; the next token starts another."""
    spec = square(8, 4, sentence_ends(corpus.vocabulary()))
    ids = corpus.encode("Speak, speak. You are all resolved? Resolved.")[None].astype(np.int32)
    words = [corpus.decode([i]) for i in ids[0]]
    t, s = spec.positions({}, ids)[0].T
    assert t.tolist() == list(range(len(words)))
    assert s[words.index(".")] == 0 and s[words.index(".") + 1] == 1
    assert s[words.index("?")] == 1 and s[words.index("?") + 1] == 2 == s[-1]


def test_sentences_of_the_corpus():
    """About 27 tokens to a sentence: a block of 64 sees two or three ends."""
    ends = sentence_ends(corpus.vocabulary())
    assert ends[corpus.load().train].mean() == pytest.approx(1 / 27, rel=0.05)


def test_corners_oppose_crosswise():
    """The same query and key, the same distance: only heads at a corner with b = 1 change sign with s."""
    x = np.random.default_rng(0).normal(size=(1, 4, 1, 8))
    x[..., [2, 3, 6, 7]] = 0  # time pairs only
    near, opposed = (np.array([[[4, s]]]) for s in (0, 1))
    start = CONTRACT.turn({}, x, np.zeros((1, 1, 2), int))
    same, other = ((start * CONTRACT.turn({}, x, position)).sum(-1)[0, :, 0] for position in (near, opposed))
    np.testing.assert_allclose(other / same, [1, -1, 1, -1], rtol=1e-12)


def test_frequencies_fall_from_one_and_each_pair_turns_with_t_or_s():
    spec = square(16, 4, np.zeros(3, np.int32), base=16.0)
    np.testing.assert_allclose(spec.frequencies, [[1, 0.5, 0.25, 0.125, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0.5, 0.25, 0.125]])
    assert spec.corners.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
