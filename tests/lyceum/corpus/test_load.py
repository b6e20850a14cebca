"""What load() returns: the contract's facts, a user's folder, and one sentence for each defect of the data."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyceum import corpus
from lyceum.corpus import CorpusError, token_files

GOOD = np.arange(65)


@pytest.fixture(scope="module")
def official() -> corpus.Corpus:
    return corpus.load()


def write(path, train=GOOD, val=GOOD):
    """A nanoGPT-style folder at `path`, from ids or raw bytes."""
    for name, data in (("train.bin", train), ("val.bin", val)):
        (path / name).write_bytes(data if isinstance(data, bytes) else np.asarray(data, "<u2").tobytes())
    return path


def test_facts_of_the_contract(official):
    assert (len(official.train), len(official.val)) == (301_966, 36_059)
    assert len(np.unique(official.train)) == 11_234
    assert np.isin(official.val, official.train, invert=True).sum() == 757
    assert official.official


def test_the_corpus_cannot_be_altered(official):
    assert official.train.dtype == official.val.dtype == np.uint16
    with pytest.raises(ValueError, match="read-only"):
        official.train[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        official.val = official.train


def test_a_folder_of_the_user(tmp_path):
    mine = corpus.load(write(tmp_path, train=GOOD[::-1], val=[50_256] * 70))
    assert mine.train.tolist() == list(range(64, -1, -1)) and mine.val.tolist() == [50_256] * 70
    assert mine.source == str(tmp_path) and not mine.official


def test_official_means_both_files(official, tmp_path):
    assert corpus.load(write(tmp_path, official.train, official.val)).official
    assert not corpus.load(write(tmp_path, official.train, official.val[:-1])).official
    assert not corpus.load(write(tmp_path, official.train[:-1], official.val)).official


@given(st.lists(st.integers(0, 50_256), min_size=65))
def test_ids_there_and_back(values):
    assert token_files.ids(np.array(values, "<u2").tobytes(), "x").tolist() == values


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (bytes(131), "val.bin has an odd number of bytes (131): write it as flat uint16 token ids."),
        ([], "val.bin has 0 tokens: give it 65 or more, a block and one."),
        (GOOD[:64], "val.bin has 64 tokens: give it 65 or more, a block and one."),
        (
            [*GOOD, 50_257, 3, 65_535],
            (
                "val.bin has the id 50257 at token 65, and 2 such in all: "
                "encode it with GPT-2's tokenizer, whose ids end at 50256."
            ),
        ),
    ],
)
def test_bad_data_gives_one_sentence(tmp_path, data, sentence):
    with pytest.raises(CorpusError) as caught:
        corpus.load(write(tmp_path, val=data))
    assert str(caught.value) == sentence


def test_no_folder(tmp_path):
    for path in (tmp_path / "none", write(tmp_path) / "val.bin"):
        with pytest.raises(CorpusError, match=r"(none|val.bin) is not a folder: --data-dir takes a folder that holds"):
            corpus.load(path)


@pytest.mark.parametrize("name", ["train.bin", "val.bin"])
def test_a_missing_or_unreadable_file(tmp_path, name):
    (write(tmp_path) / name).unlink()
    with pytest.raises(CorpusError, match=f"holds no {name}: --data-dir needs both train.bin and val.bin in it"):
        corpus.load(tmp_path)
    (tmp_path / name).mkdir()
    with pytest.raises(CorpusError, match=f"{name} cannot be read"):
        corpus.load(tmp_path)


@pytest.mark.parametrize("name", corpus.TEXTS)
def test_a_further_text_shares_no_passage_with_the_contract(official, name):
    """No window of 24 tokens of one occurs in the other, either split."""
    further = corpus.load(name)
    assert not further.official and name in further.source
    first, second = (
        {tuple(split[i : i + 24]) for split in (text.train, text.val) for i in range(0, len(split) - 24, step)}
        for text, step in ((official, 1), (further, 24))
    )
    assert len(second) > 7000 and not first & second
    assert set("".join(map(corpus.decode, (further.train, further.val)))) <= set(map(chr, range(32, 127))) | {"\n"}
