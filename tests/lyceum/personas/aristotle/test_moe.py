"""The tree of Porphyry: its tables by hand, and invalid exponents. See also `test_experts`."""

from __future__ import annotations

import pytest

from lyceum.personas import PersonaError
from lyceum.personas.aristotle.moe import PorphyryTree
from lyceum.personas.aristotle.moe.tree import paths, sides, ways


def test_the_tables_of_the_tree():
    """Written out for depth 2: nodes 0; 1, 2; 3, 4, 5, 6."""
    assert paths(2).tolist() == [[0, 1, 3], [0, 1, 4], [0, 2, 5], [0, 2, 6]]
    assert sides(2).tolist() == [[1, 1, -1, -1], [1, -1, 0, 0], [0, 0, 1, -1]]
    assert ways(2).T.tolist()[3:] == [[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 0, 1]]


@pytest.mark.parametrize("power", (0.5, 2, float("nan")))
def test_an_invalid_exponent_is_refused(power):
    with pytest.raises(PersonaError, match="choose 1 or more, and not 2"):
        PorphyryTree(32, 3, 20, power=power)
