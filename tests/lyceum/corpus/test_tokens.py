"""GPT-2's encoding: against the published numbers, against its definition, and there and back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from lyceum import corpus
from lyceum.corpus import store, tokens

PUBLISHED_WORDS = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""


def by_definition(text: str) -> list[int]:
    """Byte-pair encoding as the module docstring words it: join the pair of lowest rank until none is known."""
    rank = {string: i for i, string in enumerate(corpus.vocabulary())}
    ids = []
    for word in regex.findall(PUBLISHED_WORDS, text):
        parts = [bytes([byte]) for byte in word.encode("utf-8")]
        while True:
            joins = [(rank[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in rank]
            if not joins:
                break
            _, i = min(joins)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        ids += [rank[part] for part in parts]
    return ids


def test_vocabulary():
    strings = corpus.vocabulary()
    assert len(strings) == len(set(strings)) == tokens.N_VOCAB
    assert strings[tokens.N_VOCAB - 1] == tokens.END_OF_TEXT.encode()
    assert {string for string in strings if len(string) == 1} == {bytes([byte]) for byte in range(256)}


def test_known_ids():
    assert corpus.encode("Hello world").tolist() == [15496, 995]
    assert corpus.encode("Hello world").dtype == np.uint16
    assert tokens.N_VOCAB - 1 not in corpus.encode(tokens.END_OF_TEXT)
    assert corpus.encode("").shape == (0,)


@given(st.text())
def test_there_and_back(text):
    assert corpus.decode(corpus.encode(text)) == text


@settings(max_examples=50)
@given(st.one_of(st.text(), st.text("thou art'S \n,.!-0"), st.text("é中🙂 \u00a0")))
def test_encoding_is_its_definition(text):
    assert corpus.encode(text).tolist() == by_definition(text)


def test_a_character_cut_in_two():
    smile = corpus.encode("🙂")
    assert len(smile) > 1
    assert corpus.decode(smile[:1]) == "\ufffd"
    assert tokens.decode(smile, corpus.vocabulary()) == "🙂".encode()


@pytest.mark.parametrize("name", ["train.bin", "val.bin"])
def test_the_official_ids_decode_to_their_part_of_the_text(name):
    text = store.read("input.txt").decode("ascii")
    official = corpus.load()
    parts = {"train.bin": (official.train, text[:1_003_854]), "val.bin": (official.val, text[1_003_854:])}
    ids, part = parts[name]
    assert corpus.decode(ids) == part
