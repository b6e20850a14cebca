"""Token files on disk, as nanoGPT writes them: `train.bin` and `val.bin`, flat little-endian uint16 GPT-2 ids.

The format has no header, so nothing in a file says what it is. What can be checked is checked here, once, before an odd
byte or a foreign id leads to a wrong figure an hour later.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lyceum.corpus.errors import CorpusError
from lyceum.corpus.tokens import N_VOCAB

MIN_TOKENS = 65  # one block of 64 and the target of its last token


def read(folder: Path, name: str) -> bytes:
    """The bytes of the file `name` in `folder`; CorpusError if there is no such folder or file, or it is unreadable."""
    if not folder.is_dir():
        raise CorpusError(f"{folder} is not a folder: --data-dir takes a folder that holds train.bin and val.bin.")
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise CorpusError(f"{folder} holds no {name}: --data-dir needs both train.bin and val.bin in it.") from None
    except OSError as error:
        raise CorpusError(f"{folder / name} cannot be read ({error.strerror}): make it a readable file.") from error


def ids(data: bytes, name: str) -> np.ndarray:
    """`data` as read-only uint16 ids (N,); CorpusError, which calls the data `name`, unless N >= 65 GPT-2 ids."""
    if len(data) % 2:
        raise CorpusError(f"{name} has an odd number of bytes ({len(data):,}): write it as flat uint16 token ids.")
    tokens = np.frombuffer(data, dtype="<u2").astype(np.uint16, copy=False)
    if len(tokens) < MIN_TOKENS:
        raise CorpusError(f"{name} has {len(tokens)} tokens: give it {MIN_TOKENS} or more, a block and one.")
    foreign = np.flatnonzero(tokens >= N_VOCAB)
    if len(foreign):
        raise CorpusError(
            f"{name} has the id {tokens[foreign[0]]} at token {foreign[0]}, and {len(foreign):,} such in all: "
            f"encode it with GPT-2's tokenizer, whose ids end at {N_VOCAB - 1}."
        )
    return tokens
