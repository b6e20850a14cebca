"""What `lyceum interpret` asks, checked: a text, a position in it, the token that is explained, another text."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lyceum import corpus
from lyceum.contract import UsageError

SHOWN = {" ": "·", "\n": "↵", "\t": "⇥"}  # white space, as the page shows it


@dataclass(frozen=True, eq=False)
class Question:
    """ids (T,): of the text. at: the position, from 0. token: the id that is explained there.

    token: None for the one that follows in the text, or at the end for the likeliest. other (T,): ids of the text whose
    outputs are patched in, or None. vocabulary: the byte string of every id.
    """

    ids: np.ndarray
    at: int
    token: int | None = None
    other: np.ndarray | None = None
    vocabulary: tuple[bytes, ...] = field(default=(), repr=False)

    def shown(self, ids: np.ndarray) -> tuple[str, ...]:
        """Each of ids (N,) as text in which white space can be seen."""
        texts = (self.vocabulary[i].decode("utf-8", "replace") for i in ids)
        return tuple("".join(SHOWN.get(c, c) for c in text) for text in texts)


def checked(
    text: str, longest: int, position: int | None = None, token: str | None = None, patch: str | None = None
) -> Question:
    """The question that these values ask. longest: how many tokens the model reads. position: from 1; None: the last.

    Raises UsageError, one sentence, in the words of the command line.
    """
    ids = _ids(text, "the text")
    if len(ids) > longest:
        raise UsageError(f"the text has {len(ids)} tokens and the model reads {longest} at most: give a shorter one.")
    count = len(ids)
    at = count if position is None else position
    if not 1 <= at <= count:
        raise UsageError(f"there is no position {at}: the text has {count} tokens, so --position is from 1 to {count}.")
    chosen = None if token is None else _ids(token, "--token")
    if chosen is not None and len(chosen) != 1:
        raise UsageError(f"--token {token!r} is {len(chosen)} tokens: give one, such as ' the' with its space.")
    other = None if patch is None else _ids(patch, "the text of --patch")
    if other is not None and len(other) != count:
        raise UsageError(
            f"the text has {count} tokens and that of --patch {len(other)}: patching needs two texts of equal length."
        )
    return Question(ids, at - 1, None if chosen is None else int(chosen[0]), other, corpus.vocabulary())


def _ids(text: str, what: str) -> np.ndarray:
    """The ids of a text, (N,) int32."""
    if not text:
        raise UsageError(f"{what} is empty: give some text.")
    try:
        text.encode()
        return corpus.encode(text).astype(np.int32)
    except UnicodeEncodeError as error:
        raise UsageError(f"{what} is not UTF-8 from character {error.start} on: give it as UTF-8 text.") from error
    except corpus.CorpusError as error:
        raise UsageError(str(error)) from error
