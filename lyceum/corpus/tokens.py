"""Tokens: text to and from GPT-2's 50,257 byte-pair ids.

A byte-pair encoding is a list of byte strings in the order in which they were learned. The first 256 are the single
bytes, so every text can be written; each later one is two earlier ones joined. To encode, the text is cut into words by
a fixed pattern, each word starts as single bytes, and the adjacent pair that was learned first is joined until no
known pair is left. So a token's id is its rank, and the one list serves both ways: bytes of an id, rank of a join.
To decode, the byte strings are simply put end to end, hence decode(encode(text)) = text.

encoder.json, the list as published with GPT-2, is a JSON object {name: id}. JSON cannot hold bytes, so each byte is
named by a visible character: the 188 printable ones of Latin-1 by themselves, the other 68 by U+0100 onwards.

Source: Sennrich, Haddow and Birch 2016, "Neural machine translation of rare words with subword units"; Radford et al.
2019, "Language models are unsupervised multitask learners", and the encoder.py released with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache

import numpy as np

N_VOCAB = 50_257
END_OF_TEXT = "<|endoftext|>"  # the last id; no text is encoded to it
WORDS = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""


def byte_strings(encoder_json: bytes) -> tuple[bytes, ...]:
    """The 50,257 byte strings in the order of their ids, from the published encoder.json."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = sorted(set(range(0x100)) - set(printable))
    byte_named = {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
    names = json.loads(encoder_json)
    return tuple(bytes(byte_named[character] for character in name) for name in sorted(names, key=names.get))


def encode(text: str, strings: tuple[bytes, ...]) -> np.ndarray:
    """The ids of `text`, uint16 (N,); `strings` as byte_strings() gives them. Special tokens are read as plain text."""
    return np.array(_encoding(strings).encode_ordinary(text), dtype=np.uint16)


def decode(ids: Iterable[int], strings: tuple[bytes, ...]) -> bytes:
    """The bytes that `ids` (each in 0..50256) stand for; an id may end in the middle of a UTF-8 character."""
    return b"".join(strings[i] for i in ids)


@cache
def _encoding(strings: tuple[bytes, ...]):
    import tiktoken  # here, because a run on cached data does without it

    return tiktoken.Encoding(
        "gpt2",
        pat_str=WORDS,
        mergeable_ranks={string: rank for rank, string in enumerate(strings[:-1])},
        special_tokens={END_OF_TEXT: N_VOCAB - 1},
        explicit_n_vocab=N_VOCAB,
    )
