"""The predicates of a token that its bytes alone decide.

    first, last   the first and the last byte of the stem; NO_LETTER without a stem
    shape         leading space or not; lower, upper, title or camel case, or no letters; word, digits, space, mark,
                  mixed or foreign (`lyceum.personas.tokens.surface`)
    ending        the longest of ENDINGS that leaves at least three letters, of an ASCII word; else none
    stem          what is left of its bytes without leading space, case and ending

Stem and ending put together are the bytes again, so with the shape they tell any two tokens of GPT-2's vocabulary
apart: no token needs a row that is its alone. A final "e" is an ending, so that "leave" and "leaving" have one stem.
"""

from __future__ import annotations

import numpy as np

from lyceum.personas.tokens.surface import case, category

LEAST = 3  # letters of a stem
NO_LETTER = 256
ENDINGS = """
    s e es ed er ers est eth ing ings ingly y ies ied ily ly ness less ful ment ments able ible ance ence ant ent
    al ous ive ity ion ions ation ations
""".split()
_LONGEST_FIRST = sorted((ending.encode() for ending in ENDINGS), key=len, reverse=True)


def predicates(token: bytes) -> tuple:
    """(first, last, shape, ending, stem) of one token."""
    bare = token.removeprefix(b" ")
    letters = "".join(chr(byte) for byte in bare if byte < 128 and chr(byte).isalpha())
    shape = bare != token, case(letters) if letters else "none", category(token)[0]
    stem, ending = divided(bare.lower())
    first, last = (stem[0], stem[-1]) if stem else (NO_LETTER, NO_LETTER)
    return first, last, shape, ending, stem


def divided(form: bytes) -> tuple[bytes, bytes]:
    """(stem, ending) of a token's bytes in lower case."""
    if form.isalpha():
        for ending in _LONGEST_FIRST:
            if form.endswith(ending) and len(form) >= LEAST + len(ending):
                return form.removesuffix(ending), ending
    return form, b""


def numbered(vocabulary: tuple[bytes, ...]) -> np.ndarray:
    """(V, 5) int32: the predicates of all tokens, those after the letters numbered as they first occur."""
    first, last, *others = zip(*map(predicates, vocabulary), strict=True)
    columns = [first, last]
    for values in others:
        numbers: dict = {}
        columns.append([numbers.setdefault(value, len(numbers)) for value in values])
    return np.array(columns, np.int32).T
