"""A line of a search, and the interval on it: lengths i + j g of integers, so that cuts in that ratio are exact."""

from __future__ import annotations

from dataclasses import dataclass, field

from lyceum.personas.spec.search import Comparison, Configuration, Range


@dataclass(frozen=True)
class Length:
    """i + j g, exactly."""

    i: int
    j: int

    def __add__(self, other: Length) -> Length:
        return Length(self.i + other.i, self.j + other.j)

    def greater(self) -> Length:
        """The greater part of it, cut in extreme and mean ratio: g times it."""
        return Length(self.j, self.i - self.j)

    def __float__(self) -> float:
        return self.i + self.j * (5**0.5 - 1) / 2


@dataclass
class Line:
    """A turn of one scalar, as far as it is known: it begins at candidate `start` and ends at candidate `best`.

    low, width: the interval. hidden: whether it ended because the error explains the last difference.
    """

    number: int
    scalar: Range
    start: int
    low: Length = Length(0, 0)
    width: Length = Length(1, 0)
    evaluations: int = 0
    hidden: bool = False
    best: int | None = None
    comparisons: list[Comparison] = field(default_factory=list)

    def inner(self) -> tuple[Length, Length]:
        """p and q."""
        greater = self.width.greater()
        return self.low + greater.greater(), self.low + greater

    def cut(self, upper: bool) -> None:
        """Keep the interval from p on if `upper`, else up to q."""
        self.low = self.inner()[0] if upper else self.low
        self.width = self.width.greater()

    def note(self, known: list[Configuration]) -> str:
        """What came of it, as a sentence. known: configurations by candidate."""
        name, ends = self.scalar.name, (self.low, self.low + self.width)
        low, high = (self.scalar.at(float(end)) for end in ends)
        why = "the standard error hides the next difference" if self.hidden else "no more were allotted to the line"
        moved = f"it {'stays' if self.best == self.start else 'becomes'} {known[self.best][name]:g}"
        return f"{name} is between {low:g} and {high:g} after {self.evaluations} evaluations, since {why}; {moved}."
