"""What the bytes of a token look like: its surface form, which is known even if training lacks the token.

`category(token)` is its *surface class*, used where counts must be shared (letters, case, leading space, length;
digits; white space; punctuation; other). `marks(token)` are finer features, from which the vector of a token that
training lacks is predicted: its suffixes, its beginning, and the word it is a variant of (" The" and "the" share it).
"""

from __future__ import annotations

from collections.abc import Iterator

LONGEST = 9


def category(token: bytes) -> tuple:
    """The surface class of a token's bytes."""
    text = token.decode("utf-8", errors="replace")
    spaced, bare = text.startswith(" "), text.removeprefix(" ")
    if not text.isascii():
        return ("foreign",)
    if bare.isalpha():
        return ("word", spaced, case(bare), min(len(bare), LONGEST))
    if bare.isdigit():
        return ("digits", spaced)
    if not bare.strip():
        return ("space",)
    if any(c.isalpha() for c in bare):
        return ("mixed", spaced)
    return ("mark", spaced, min(len(bare), 3))


def marks(token: bytes) -> Iterator[tuple]:
    """The surface features of a token's bytes, from coarse to fine."""
    surface_class = category(token)
    yield ("category", *surface_class)
    yield ("genus", *surface_class[:3])
    word = token.decode("utf-8", errors="replace").strip().lower()
    spaced = token.startswith(b" ")
    if surface_class[0] == "word":
        for length in (1, 2, 3):
            if len(word) > length:
                yield ("suffix", spaced, word[-length:])
        if len(word) > 2:
            yield ("prefix", spaced, word[:2])
    yield ("form", word)


def case(word: str) -> str:
    """The case of a word's letters: "lower", "upper", "title" or "camel"."""
    if word.islower():
        return "lower"
    if word.isupper() and len(word) > 1:
        return "upper"
    return "title" if word[0].isupper() and not any(c.isupper() for c in word[1:]) else "camel"
