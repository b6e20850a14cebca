"""Plain words: the field's terms in code, command lines, tables, records and prose.

The words below once stood for things that the field has names for. A newcomer should not need a glossary, so none of
them may return: as part of an identifier, a file name, a string, a comment or a page of prose. The docstrings of the
mathematics (`lyceum/personas`) may use them as ordinary English.

    python tests/test_words.py FOLDER ...     what is left in some files or folders, line by line
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WORDS = set(
    """
    wing wings house houses bridge bridges room rooms furnish furnishes furnished furnishing
    leg legs judge judges judged judging parting partings lesson lessons teach teaching taught teacher
    partner partners subject subjects settle settles settled settling nudge nudges nudged contest contests contestant
    contestants course courses chance chances posed pose points small whole recalled told met said held own found
    screening screen promise promises promised broken kept kind kinds place places placed spread spreads
    red green stands teaches poses slot slots
    """.split()
)
# Words of other people's interfaces, which have no other name.
FOREIGN = {
    "x.dtype.kind and inspect's kind": re.compile(r"\.kind\b|\bkind ?= ?\"(stable|mergesort)\""),
    "Python's exceptions": re.compile(r"\b(ModuleNotFound|FileNotFound|BrokenPipe)Error\b|\bNot Found\b"),
    "an address of random numbers, on which figures hang": re.compile(r"quantize/small"),
    "a terminal's and a page's colours": re.compile(r"\[/?(bold )?(red|green)\]|style=\"(red|green)|--(red|green)\b"),
}
PAGES = ("*.md", "*.j2", "*.js", "*.css", "*.toml", "*.yml")
SKIP = {"tests/test_words.py", "docs/log.md", "LICENSE"}


def words(text: str) -> Iterator[str]:
    """The words of a text or of an identifier, lower case: camelCase and snake_case taken apart."""
    for part in re.findall(r"[A-Za-z]+", text):
        yield from (word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", part))


def docstring_lines(source: str) -> set[int]:
    """The lines that belong to docstrings."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            lines |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def comment_lines(source: str) -> set[int]:
    """The lines that hold a comment."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0] for token in tokens if token.type == tokenize.COMMENT}


def left(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line number, word, line) of every word in a file that has a plainer name."""
    source, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
    excused: set[int] = set()
    if path.suffix == ".py" and name.startswith("lyceum/personas"):
        excused = docstring_lines(source) | comment_lines(source)
    for word in words(name):
        if word in WORDS:
            yield 0, word, name
    for number, line in enumerate(source.splitlines(), 1):
        if number in excused:
            continue
        text = line
        for pattern in FOREIGN.values():
            text = pattern.sub("", text)
        yield from ((number, word, line.strip()) for word in words(text) if word in WORDS)


def files(roots: list[Path]) -> list[Path]:
    """The files to read: Python, and pages of prose."""
    found: set[Path] = set()
    for root in roots:
        if root.is_file():
            found.add(root)
            continue
        for pattern in ("*.py", *PAGES):
            found |= {
                p
                for p in root.rglob(pattern)
                if not any(part.startswith(".") for part in p.relative_to(ROOT).parts[:-1])
            }
    return sorted(path for path in found if str(path.relative_to(ROOT)) not in SKIP)


PARTS = [
    p
    for p in sorted(ROOT.iterdir())
    if not p.name.startswith((".", "build", "runs")) and (p.is_dir() or p.suffix in (".md", ".py", ".toml"))
]


@pytest.mark.parametrize("part", PARTS, ids=lambda path: path.name)
def test_plain_words(part):
    report = [f"{path.relative_to(ROOT)}:{n}: {word}: {line}" for path in files([part]) for n, word, line in left(path)]
    assert not report, "\n".join(report[:40])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("tinyPlan", ["tiny", "plan"]),
        ("MAX_SIZE", ["max", "size"]),
        ("JSONLine", ["json", "line"]),
        ("a_b c", ["a", "b", "c"]),
    ],
)
def test_words_are_taken_apart(text, parts):
    assert list(words(text)) == parts


def test_a_word_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    file = tmp_path / "some.py"
    file.write_text('"""Both legs."""\n\nroom_of = "the wing"  # a house\n')
    assert [(n, word) for n, word, _ in left(file)] == [(1, "legs"), (3, "room"), (3, "wing"), (3, "house")]


if __name__ == "__main__":
    for path in files([Path(argument).resolve() for argument in sys.argv[1:]] or [ROOT]):
        for number, word, line in left(path):
            print(f"{path.relative_to(ROOT)}:{number}: {word}: {line[:110]}")
