r"""What a user writes about names, read: which MLX parameter is made of which PyTorch ones.

Either exact names,     {"wq.weight": "q_proj.weight", "head.weight": tied("tok.weight")}
or rules,               [(r"layers\.(\d+)\.wq\.(\w+)", r"h.\1.q_proj.\2"),
                         (r"layers\.(\d+)\.qkv\.weight", fused(r"h.\1.q.weight", r"h.\1.k.weight", r"h.\1.v.weight")),
                         ("head.weight", "lm_head.weight")]

A rule is a regular expression for the full MLX name, with its groups on the right, or an exact name; the first that
fits wins. A rule that fits nothing is an error: with a slip in it, the parameter of the same name would be used
unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from parity.mapping.layouts import Target, filled
from parity.mapping.misfits import MismatchError, nearest

Rules = Mapping[str, Target] | Sequence[tuple[str, Target]]


def read(names: Rules | None, mlx: Iterable[str]) -> tuple[dict[str, Target], list[str]]:
    """(What `names` says of the MLX parameters called `mlx`, what is wrong with it: a sentence each)."""
    exact, known = isinstance(names, Mapping), set(mlx)
    try:
        pairs = [(pattern, target) for pattern, target in (names.items() if exact else names or ())]
    except (TypeError, ValueError):
        return {}, [f"names are a dictionary or a list of pairs (rule, PyTorch name or layout), not {names!r}"]
    targets: dict[str, Target] = {}
    problems = []
    for pattern, target in pairs:
        try:
            fitting = fitted(pattern, target, known, exact)
        except MismatchError as error:
            problems.extend(error.problems)
            continue
        if fitting.keys() <= targets.keys():
            problems.append(f"the rule {pattern!r} is never used, as earlier rules fit all that it fits: leave it out")
        targets = fitting | targets
    return targets, problems


def fitted(pattern: str, target: Target, known: set[str], exact: bool) -> dict[str, Target]:
    """The MLX parameters that one rule fits, and what it makes each of. MismatchError if there are none."""
    if not isinstance(pattern, str) or not isinstance(target, Target):
        rule = "a rule is a pair of a string and a PyTorch name or a layout"
        raise MismatchError(f"{pattern!r} cannot be made of {target!r}: {rule}")
    if pattern in known:
        return {pattern: target}
    if exact:
        raise MismatchError(f"MLX has no parameter {pattern!r}{nearest(pattern, known)}")
    try:
        matches = {name: re.fullmatch(pattern, name) for name in known}
        fitting = {name: filled(target, match) for name, match in matches.items() if match}
    except (re.error, IndexError) as error:
        raise MismatchError(f"the rule {pattern!r}, made of {target}, is not a regular expression: {error}") from error
    if not fitting:
        raise MismatchError(f"the rule {pattern!r} fits no parameter of MLX{nearest(pattern, known)}")
    return fitting
