"""A proposal of names: rules for `match`, and their text, ready to be pasted once it has been read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from parity.mapping.layouts import Layout, Target

NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")  # a part of a path that is a number


@dataclass(frozen=True)
class Family:
    """Parameters that differ by the numbers in their paths. title: with # for each; members: {numbers: name}."""

    title: str
    members: dict[tuple[str, ...], str]


def families(names: Iterable[str], by_layer: bool) -> list[Family]:
    """The families of some names, in order; each name by itself unless `by_layer`."""
    by_title: dict[str, dict[tuple[str, ...], str]] = {}
    for name in names:
        title, numbers = (NUMBER.sub("#", name), tuple(NUMBER.findall(name))) if by_layer else (name, ())
        by_title.setdefault(title, {})[numbers] = name
    return [Family(title, members) for title, members in by_title.items()]


@dataclass(frozen=True)
class Line:
    """One rule. make: the name of a member of `torch` -> what the member of `mlx` is made of.

    evidence: why, in words. doubt: what else may be meant, or "".
    """

    mlx: Family
    torch: Family
    make: Callable[[str], Target]
    evidence: str
    doubt: str

    @cached_property
    def members(self) -> dict[str, Target]:
        """What each parameter of MLX's is made of."""
        return {name: self.make(self.torch.members[numbers]) for numbers, name in self.mlx.members.items()}

    @property
    def rules(self) -> list[tuple[str, Target]]:
        """As `names`: one rule for a family of several, else an exact name."""
        if len(self.members) == 1:
            return list(self.members.items())
        groups = iter(range(1, 100))
        target = re.sub("#", lambda _: rf"\{next(groups)}", self.torch.title)
        return [(re.escape(self.mlx.title).replace(r"\#", r"(\d+)"), self.make(target))]

    def code(self) -> str:
        """The rule as a line of Python."""
        count = f"{len(self.members)} parameters: " if len(self.members) > 1 else ""
        doubt = f"; or {self.doubt}?" if self.doubt else ""
        (pair,) = self.rules
        return f"    ({quoted(pair[0])}, {code(pair[1])}),  # {count}{self.evidence}{doubt}"


class Proposal(list):
    """Rules, as `parity.check` takes them for `names`; printed, they are ready to paste, with the evidence for each.

    lines: the same with their evidence. left: MLX's parameters without a proposal. unused: PyTorch's that no rule uses.
    """

    def __init__(self, lines: Iterable[Line], left: Iterable[str], unused: Iterable[str]):
        self.lines, self.left, self.unused = tuple(lines), tuple(left), tuple(unused)
        super().__init__(rule for line in self.lines for rule in line.rules)

    def __str__(self) -> str:
        text = "\n".join(["names = [", *(line.code() for line in self.lines), "]"]) if self.lines else "names = []"
        for who, names in (("MLX's", self.left), ("PyTorch's", self.unused)):
            if names:
                more = f" and {len(names) - 1} more" if names[1:] else ""
                text += f"\n# nothing fits {who} {names[0]}{more}"
        return text


def code(target: Target) -> str:
    """A target as Python."""
    if not isinstance(target, Layout):
        return quoted(target)
    options = list(target.options)
    if target.function == "rearranged":
        options = ["function=lambda *x: np.stack(x)", f'words="{options[0]}"']
    return f"parity.{target.function}({', '.join([*map(code, target.sources), *options])})"


def quoted(text: str) -> str:
    """A string literal, raw where it holds a backslash."""
    return f'r"{text}"' if "\\" in text else f'"{text}"'
