"""Arithmetic sampling by golden points: the sequence, codes by hand, laws counted whole, how seldom texts repeat."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lyceum.personas.baseline.sample import Plain
from lyceum.personas.euclid.sample import GoldenSection
from lyceum.personas.euclid.sample.golden import gaps, greater_part, points
from lyceum.personas.model.sampling import SamplerError, Variates
from lyceum.rng import stream


@pytest.mark.parametrize(("values", "words"), [(dict(bits=0), "bits must be from 1 to 32"), (dict(bits=33), "bits"),
                                               (dict(shared=-1), "shared must be 0 or more")])  # fmt: skip
def test_a_value_that_means_nothing_is_a_sentence(values, words):
    with pytest.raises(SamplerError, match=words):
        GoldenSection(**values)


def test_extreme_and_mean_ratio():
    """The whole is to the greater part as the greater to the less, to within a place; and it is Knuth's multiplier."""
    assert greater_part(32) == 2654435769
    for bits in range(1, 33):
        whole, greater = 2**bits, greater_part(bits)
        assert greater % 2 == 1 and abs(greater**2 - whole * (whole - greater)) <= 3 * whole
        if bits <= 12:
            assert np.unique(points(5, np.arange(whole), bits)).size == whole


def test_three_gaps():
    """Of every number of points, on circles of every size; on the greatest the least is phi^-k, and > 1 / sqrt(5) n."""
    for bits in (5, 8, 12, 32):
        for n in range(2, min(2**bits, 300)):
            lengths = np.unique(gaps(points(77, np.arange(n), bits), bits))
            assert len(lengths) <= 3
            assert len(lengths) < 3 or lengths[2] == lengths[0] + lengths[1]
    fibonacci, k = [1, 1], 1
    for n in range(2, 3000):
        while fibonacci[k] <= n - 1:
            fibonacci.append(fibonacci[k - 1] + fibonacci[k])
            k += 1
        least = gaps(points(0, np.arange(n), 32), 32).min() / 2**32
        # k counts from F_1 = fibonacci[0]: F_k <= n - 1 < F_{k+1}.
        assert abs(least - ((1 + 5**0.5) / 2) ** -k) <= n / 2**32
        assert least > 1 / (5**0.5 * n) - n / 2**32


def test_codes_by_hand():
    """Weights of 1/4, 3/4 and 16 places: 4 and 12 of them; 12 are wide enough, 4 are doubled."""
    spec, logits = GoldenSection(bits=4, shared=5), np.log([[0.25, 0.75]] * 3)
    code = (np.array([3, 4, 15]), np.full(3, 16), np.zeros(3, int))
    code = spec.cut(code, spec.draw({}, logits, *code[:2]))
    assert [x.tolist() for x in code] == [[3, 0, 11], [4, 12, 12], [0, 0, 0]]
    code = spec.refilled(code, np.full(3, 0b1011))
    assert [x.tolist() for x in code] == [[7, 0, 11], [8, 12, 12], [1, 0, 0]]
    # The first is cut to 2 of 8 places, doubled twice with the bits 1 and 0; the last to 9 of 12.
    code = (code[0] - np.array([6, 0, 0]), code[1], code[2])
    code = spec.cut(code, spec.draw({}, logits, *code[:2]))
    assert [x.tolist() for x in code] == [[1, 0, 8], [2, 3, 9], [1, 0, 0]]
    code = spec.refilled(code, np.full(3, 0b1011))
    assert [x.tolist() for x in code] == [[6, 2, 8], [8, 12, 9], [3, 2, 0]]
    # Five bits are spent by a token of one place in eight: renewed.
    code = spec.refilled((np.array([0]), np.array([2]), np.array([3])), np.array([0b1011]))
    assert [x.tolist() for x in code] == [[0b1011], [16], [5]]


def test_the_law_is_that_of_the_weights():
    """Of all 2^8 u_0, for any rank: cells of n / K to within 1 / 2^8, of every number of tokens."""
    for size in (1, 2, 3, 7, 30):
        spec, logits = GoldenSection(bits=8), stream(size, "law").normal(size=(1, size))
        for rank in (0, 1, 1000):
            point = points(np.arange(256), np.full(256, rank), 8)
            said = spec.draw({}, np.repeat(logits, 256, 0), point, np.full(256, 256))[:, 0]
            n = spec.weights({}, logits)[0]
            for i, count in enumerate(np.bincount(said, minlength=size)):
                assert abs(Fraction(int(count), 256) - Fraction(int(n[i]), int(n.sum()))) < Fraction(1, 256)


def told(spec, logits, seed: int, ranks: np.ndarray, tokens: int) -> np.ndarray:
    """Texts (n, tokens) of a model whose next law, a row of logits, hangs on all that was said."""
    variates, text = spec.variates(seed, ranks), np.zeros((len(ranks), 0), np.int64)
    for step in range(tokens):
        rows = (text * (7 + np.arange(step))).sum(1) % len(logits)
        found = spec.draw({}, logits[rows], *variates.advance(step))
        variates.follow(found)
        text = np.concatenate([text, found[:, :1]], axis=1)
    return text


@pytest.mark.parametrize("spec", [Plain(), GoldenSection(), GoldenSection(shared=0)], ids=str)
def test_a_continuation_is_the_same_whoever_is_beside_it(spec):
    logits = stream(3, "tables").normal(size=(50, 9))
    many = told(spec, logits, 1, np.arange(40), 30)
    np.testing.assert_array_equal(told(spec, logits, 1, np.array([5, 17]), 30), many[[5, 17]])
    assert isinstance(Plain().variates(1, np.arange(2)), Variates)


def test_frequencies_of_many_seeds():
    """Texts of three tokens by the third continuation, 600 seeds: as independent draws have them."""
    logits = stream(4, "tables").normal(size=(20, 3))
    counts = {
        spec: np.bincount(np.concatenate([told(spec, logits, s, np.array([2]), 3) for s in range(600)]) @ [9, 3, 1])
        for spec in (GoldenSection(), Plain())
    }
    golden, plain = counts.values()
    difference = (golden - plain)[golden + plain > 0]
    # Chi-square of two samples, 26 degrees of freedom: above 70 once in 10^5.
    assert (difference**2 / (golden + plain)[golden + plain > 0]).sum() < 70


def test_more_texts_are_distinct_than_of_independent_draws():
    """16 texts of n tokens, nine ids: golden points repeat themselves less, and never what is rarer than a gap."""
    logits = 2 * stream(5, "tables").normal(size=(60, 9))
    for tokens in (2, 3, 4):
        means = [
            np.mean([len(np.unique(told(spec, logits, s, np.arange(16), tokens), axis=0)) for s in range(60)])
            for spec in (GoldenSection(), GoldenSection(shared=0))
        ]
        assert means[0] > means[1] + 0.5, tokens


def test_the_clearance_counts_what_earlier_choices_moved():
    """Logits that are moved by less than the least clearance of a text, of all its tokens, leave the text as it is."""
    g, spec, kept = stream(6, "clearance"), GoldenSection(), 0
    logits = g.normal(size=(30, 9))
    for seed in range(30):
        variates, text, layer = spec.variates(seed, np.arange(1)), [], np.inf
        for step in range(8):
            row = logits[sum(text) % 30 :][:1]
            found = spec.draw({}, row, *variates.advance(step))
            layer = min(layer, variates.clearance(0, row[0]))
            assert variates.blur[0] >= 1
            variates.follow(found)
            text.append(int(found[0, 0]))
        for _ in range(10 if layer > 0 else 0):
            moved, again = logits + 0.999 * layer * g.choice([-1, 1], logits.shape), []
            variates = spec.variates(seed, np.arange(1))
            for step in range(8):
                found = spec.draw({}, moved[sum(again) % 30 :][:1], *variates.advance(step))
                variates.follow(found)
                again.append(int(found[0, 0]))
            assert again == text
            kept += 1
    assert kept > 100
