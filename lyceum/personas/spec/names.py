"""Names with dots: the arrays of many parts in one dictionary, "<part>.<name>"."""

from __future__ import annotations

import numpy as np

Arrays = dict[str, np.ndarray]


def below(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays of one part, without its prefix."""
    return {name[len(prefix) + 1 :]: value for name, value in arrays.items() if name.startswith(prefix + ".")}


def split(arrays: Arrays, prefix: str) -> tuple[Arrays, Arrays]:
    """(the arrays of one part, without its prefix; all the others)."""
    return below(arrays, prefix), {name: value for name, value in arrays.items() if not name.startswith(prefix + ".")}
