r"""Paths: which submodule of MLX's is which of PyTorch's, and which parameters the two hold.

A submodule's partner is, in this order,

    what the user says        {"attn": "self_attn"}  or  [(r"layers\.(\d+)\.attn", r"h.\1.self_attn")]
    what its parameters say   they are all made, name for name, of those of one PyTorch submodule (`parity.mapping`)
    its namesake              the same path

A dictionary speaks of everything below a path as well, a rule is a regular expression for a whole path; the first that
fits wins. No more is guessed: a submodule without a partner is reported as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lyceum.contract import UsageError
from parity.localize.calls import Module, submodules
from parity.mapping import Arrays, Names
from parity.mapping.layouts import leaves
from parity.mapping.rules import nearest

Modules = Mapping[str, str] | Sequence[tuple[str, str]]


def renamed(mlx: Module, torch: Module, names: Names, modules: Modules | None = None) -> dict[str, str]:
    """{path in MLX: path in PyTorch} of every submodule that has a partner. UsageError if `modules` fits nothing."""
    known, others = submodules(mlx), submodules(torch)
    said = stated(modules or {}, known, others)
    found = {path: said.get(path) or by_parameters(path, names) or path for path in known}
    return {path: partner for path, partner in found.items() if partner in others}


def stated(modules: Modules, mlx: Iterable[str], torch: Iterable[str]) -> dict[str, str]:
    """What the user says, path by path."""
    below = isinstance(modules, Mapping)
    said: dict[str, str] = {}
    for written, target in modules.items() if below else modules:
        pattern, expansion = (re.escape(written) + r"(\..+)?", target + r"\1") if below else (written, target)
        try:
            fitting = {path: match.expand(expansion) for path in mlx if (match := re.fullmatch(pattern, path))}
        except (re.error, IndexError) as error:
            line = f"the rule {written!r} for submodules, made of {target!r}, is not a regular expression: {error}."
            raise UsageError(line) from error
        if not fitting:
            raise UsageError(f"MLX has no submodule {written!r}{nearest(written, mlx)}.")
        if not set(fitting.values()) & set(torch):
            wanted = next(iter(fitting.values()))
            raise UsageError(f"PyTorch has no submodule {wanted!r}{nearest(wanted, torch)}.")
        said = fitting | said
    return said


def by_parameters(path: str, names: Names) -> str | None:
    """The one PyTorch submodule that holds the namesakes of all parameters that the MLX submodule itself holds."""
    own = {name: target for name, target in names.targets.items() if name.rpartition(".")[0] == path}
    plain = [target for name, target in own.items() if isinstance(target, str) and last(target) == last(name)]
    homes = {target.rpartition(".")[0] for target in plain}
    return homes.pop() if len(homes) == 1 and len(plain) == len(own) else None


def last(name: str) -> str:
    return name.rpartition(".")[2]


def held(path: str, part: Module, root: Module, names: Names, parameters: Arrays) -> tuple[Names, Arrays]:
    """(the names, the parameters) of one submodule: MLX's at `path`, PyTorch's `part` of `root`.

    What of MLX's is made of PyTorch's `part` belongs to it as well, wherever MLX keeps it.
    """
    full = {id(x): name for name, x in root.named_parameters()}
    theirs = {full[id(x)] for x in part.parameters()}
    prefix = f"{path}." if path else ""
    ours = [n for n, target in names.targets.items() if n.startswith(prefix) or theirs & set(leaves(target))]
    made = theirs.union(*(leaves(names.targets[name]) for name in ours))
    targets, indices = ({name: table[name] for name in ours} for table in (names.targets, names.indices))
    return replace(names, targets=targets, indices=indices), {n: x for n, x in parameters.items() if n in made}
