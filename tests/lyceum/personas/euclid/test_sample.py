"""Arithmetic sampling by the golden sequence: gaps, codes by hand, laws by counting, repeated texts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lyceum.personas.baseline.sample import Plain
from lyceum.personas.euclid.sample import GoldenSection
from lyceum.personas.euclid.sample.golden import gaps, greater_part, sequence
from lyceum.personas.model.sampling import SamplerError, Variates
from lyceum.rng import stream


@pytest.mark.parametrize(("values", "words"), [(dict(bits=0), "bits must be from 1 to 32"), (dict(bits=33), "bits"),
                                               (dict(shared=-1), "shared must be 0 or more")])  # fmt: skip
def test_a_value_out_of_range_is_refused(values, words):
    with pytest.raises(SamplerError, match=words):
        GoldenSection(**values)


def test_extreme_and_mean_ratio():
    """The line is to the greater part as the greater to the less, up to rounding; and it is Knuth's multiplier."""
    assert greater_part(32) == 2654435769
    for bits in range(1, 33):
        line, greater = 2**bits, greater_part(bits)
        assert greater % 2 == 1 and abs(greater**2 - line * (line - greater)) <= 3 * line
        if bits <= 12:
            assert np.unique(sequence(5, np.arange(line), bits)).size == line


def test_three_gaps():
    """For every n on circles of several sizes; on the largest the least gap is phi^-k, and > 1 / sqrt(5) n."""
    for bits in (5, 8, 12, 32):
        for n in range(2, min(2**bits, 300)):
            lengths = np.unique(gaps(sequence(77, np.arange(n), bits), bits))
            assert len(lengths) <= 3
            assert len(lengths) < 3 or lengths[2] == lengths[0] + lengths[1]
    fibonacci, k = [1, 1], 1
    for n in range(2, 3000):
        while fibonacci[k] <= n - 1:
            fibonacci.append(fibonacci[k - 1] + fibonacci[k])
            k += 1
        least = gaps(sequence(0, np.arange(n), 32), 32).min() / 2**32
        # k counts from F_1 = fibonacci[0]: F_k <= n - 1 < F_{k+1}.
        assert abs(least - ((1 + 5**0.5) / 2) ** -k) <= n / 2**32
        assert least > 1 / (5**0.5 * n) - n / 2**32


def test_codes_by_hand():
    """Weights of 1/4, 3/4 and W = 16: cells of 4 and 12; 12 is wide enough, 4 is doubled."""
    spec, logits = GoldenSection(bits=4, shared=5), np.log([[0.25, 0.75]] * 3)
    code = (np.array([3, 4, 15]), np.full(3, 16), np.zeros(3, int))
    code = spec.cut(code, spec.draw({}, logits, *code[:2]))
    assert [x.tolist() for x in code] == [[3, 0, 11], [4, 12, 12], [0, 0, 0]]
    code = spec.refill(code, np.full(3, 0b1011))
    assert [x.tolist() for x in code] == [[7, 0, 11], [8, 12, 12], [1, 0, 0]]
    # The first is cut to 2 of 8, and doubled twice with the bits 1 and 0; the last is cut to 9 of 12.
    code = (code[0] - np.array([6, 0, 0]), code[1], code[2])
    code = spec.cut(code, spec.draw({}, logits, *code[:2]))
    assert [x.tolist() for x in code] == [[1, 0, 8], [2, 3, 9], [1, 0, 0]]
    code = spec.refill(code, np.full(3, 0b1011))
    assert [x.tolist() for x in code] == [[6, 2, 8], [8, 12, 9], [3, 2, 0]]
    # A cell of 1 in 8 spends five bits: renewed.
    code = spec.refill((np.array([0]), np.array([2]), np.array([3])), np.array([0b1011]))
    assert [x.tolist() for x in code] == [[0b1011], [16], [5]]


def test_the_law_is_that_of_the_weights():
    """Over all 2^8 u_0, for any rank and any number of tokens: the cells are n / K to within 1 / 2^8."""
    for size in (1, 2, 3, 7, 30):
        spec, logits = GoldenSection(bits=8), stream(size, "law").normal(size=(1, size))
        for rank in (0, 1, 1000):
            point = sequence(np.arange(256), np.full(256, rank), 8)
            ids = spec.draw({}, np.repeat(logits, 256, 0), point, np.full(256, 256))[:, 0]
            n = spec.weights({}, logits)[0]
            for i, count in enumerate(np.bincount(ids, minlength=size)):
                assert abs(Fraction(int(count), 256) - Fraction(int(n[i]), int(n.sum()))) < Fraction(1, 256)


def generated(spec, logits, seed: int, ranks: np.ndarray, tokens: int) -> np.ndarray:
    """Texts (n, tokens) of a model whose next law, a row of logits, depends on the text so far."""
    variates, text = spec.variates(seed, ranks), np.zeros((len(ranks), 0), np.int64)
    for step in range(tokens):
        rows = (text * (7 + np.arange(step))).sum(1) % len(logits)
        draws = spec.draw({}, logits[rows], *variates.advance(step))
        variates.follow(draws)
        text = np.concatenate([text, draws[:, :1]], axis=1)
    return text


@pytest.mark.parametrize("spec", [Plain(), GoldenSection(), GoldenSection(shared=0)], ids=str)
def test_a_continuation_does_not_depend_on_the_others(spec):
    logits = stream(3, "tables").normal(size=(50, 9))
    many = generated(spec, logits, 1, np.arange(40), 30)
    np.testing.assert_array_equal(generated(spec, logits, 1, np.array([5, 17]), 30), many[[5, 17]])
    assert isinstance(Plain().variates(1, np.arange(2)), Variates)


def test_frequencies_of_many_seeds():
    """Texts of three tokens by the third continuation, 600 seeds: frequencies as of independent draws."""
    logits = stream(4, "tables").normal(size=(20, 3))

    def counts(spec) -> np.ndarray:
        texts = [generated(spec, logits, seed, np.array([2]), 3) for seed in range(600)]
        return np.bincount(np.concatenate(texts) @ [9, 3, 1])

    golden, plain = counts(GoldenSection()), counts(Plain())
    difference = (golden - plain)[golden + plain > 0]
    # Chi-square of two samples, 26 degrees of freedom: above 70 once in 10^5.
    assert (difference**2 / (golden + plain)[golden + plain > 0]).sum() < 70


def test_more_texts_are_distinct_than_of_independent_draws():
    """16 texts of n tokens over nine ids: codes of the golden sequence repeat fewer texts than independent draws."""
    logits = 2 * stream(5, "tables").normal(size=(60, 9))
    for tokens in (2, 3, 4):
        means = [
            np.mean([len(np.unique(generated(spec, logits, s, np.arange(16), tokens), axis=0)) for s in range(60)])
            for spec in (GoldenSection(), GoldenSection(shared=0))
        ]
        assert means[0] > means[1] + 0.5, tokens


def test_the_clearance_includes_the_blur_of_earlier_choices():
    """Changes of the logits below the least clearance of all tokens of a text do not change the text."""
    g, spec, unchanged = stream(6, "clearance"), GoldenSection(), 0
    logits = g.normal(size=(30, 9))
    for seed in range(30):
        variates, text, margin = spec.variates(seed, np.arange(1)), [], np.inf
        for step in range(8):
            row = logits[sum(text) % 30 :][:1]
            draws = spec.draw({}, row, *variates.advance(step))
            margin = min(margin, variates.clearance(0, row[0]))
            assert variates.blur[0] >= 1
            variates.follow(draws)
            text.append(int(draws[0, 0]))
        for _ in range(10 if margin > 0 else 0):
            moved, again = logits + 0.999 * margin * g.choice([-1, 1], logits.shape), []
            variates = spec.variates(seed, np.arange(1))
            for step in range(8):
                draws = spec.draw({}, moved[sum(again) % 30 :][:1], *variates.advance(step))
                variates.follow(draws)
                again.append(int(draws[0, 0]))
            assert again == text
            unchanged += 1
    assert unchanged > 100
