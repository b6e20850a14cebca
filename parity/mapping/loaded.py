"""The weights that two modules have, compared before the modules are: does MLX have what PyTorch's weights make?

A module that was loaded in bfloat16 has weights with 8 bits, and the other one's are rounded to them. What is left must
agree bit for bit. A parameter that is computed of n entries was rounded n times at most on its way: the errors add up
like a random walk, so MARGIN sqrt(n) u of its greatest entry is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from parity.bounds.units import MARGIN, UNIT, rounded
from parity.mapping.layouts import leaves
from parity.mapping.names import Arrays, Names
from parity.results.verdict import Verdict, compare, magnitude

Precisions = Mapping[str, str]  # by name, of `parity.bounds.units.UNIT`


def loaded(
    case: str, names: Names, ours: Arrays, theirs: Arrays, our_precisions: Precisions, their_precisions: Precisions
) -> tuple[Arrays, list[Verdict], Names]:
    """(PyTorch's values, one verdict an MLX parameter, the names) of a comparison of the weights as loaded.

    ours, theirs: the modules' float64 values, PyTorch's with its buffers. The values are rounded to float32, or to the
    coarser precision of the MLX parameter that is made of them. MLX parameters whose verdict failed have MLX's values
    in the map that is returned, so that the modules are compared with the weights that each has.
    """
    coarse = {name: coarsest(names, name, our_precisions, their_precisions) for name in names.targets}
    values = {name: rounded(x, "float32") for name, x in theirs.items()}
    for name in names.indices:
        for leaf in leaves(names.targets[name]):
            values[leaf] = rounded(values[leaf], coarse[name])
    verdicts, differing = [], {}
    for name, made in names.to_mlx(values).items():
        bound, words = allowed(names, name, made, coarse[name])
        verdict = compare(case, "mlx loaded", f"weight {name}", rounded(ours[name], coarse[name]), made, bound, words)
        verdicts.append(verdict)
        if not verdict.ok:
            differing[name] = rounded(ours[name], "float32")
    return {name: x for name, x in values.items() if name in names.trained}, verdicts, names.with_values(differing)


def coarsest(names: Names, name: str, our_precisions: Precisions, their_precisions: Precisions) -> str:
    """The coarsest precision of an MLX parameter and of what it is made of, float32 at the finest."""
    sources = (their_precisions[leaf] for leaf in leaves(names.targets[name]))
    return max(("float32", our_precisions[name], *sources), key=lambda dtype: UNIT.get(dtype, 0.0))


def allowed(names: Names, name: str, made: np.ndarray, precision: str) -> tuple[float, str]:
    """(bound, its derivation in words) for an MLX parameter that PyTorch's weights make."""
    if name in names.indices:
        return 0.0, f"{names.targets[name]}, in {precision}"
    count = sum(math.prod(names.shapes[leaf]) for leaf in leaves(names.targets[name]))
    words = f"{MARGIN:g} sqrt({count}) x {UNIT[precision]:.2g} of the greatest entry of {names.targets[name]}"
    return MARGIN * math.sqrt(count) * UNIT[precision] * magnitude(made), words
