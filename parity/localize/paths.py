r"""Which submodule of the MLX model corresponds to which of the PyTorch model, and which parameters belong to the two.

The path in PyTorch of an MLX submodule is, in this order,

    what the user says           {"attn": "self_attn"}  or  [(r"layers\.(\d+)\.attn", r"h.\1.self_attn")]
    what the parameters say      they are made, name for name, of those of one PyTorch submodule (`parity.mapping`)
    the same path

A dictionary applies to everything below a path as well. A rule is a regular expression for a full path; the first that
fits is used. Nothing more is guessed: a submodule without a counterpart is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lyceum.contract import UsageError
from parity.localize.calls import Module, submodules
from parity.mapping.computed import unshifted
from parity.mapping.layouts import leaves
from parity.mapping.names import Arrays, Names
from parity.mapping.rules import nearest

Modules = Mapping[str, str] | Sequence[tuple[str, str]]


def matched_paths(mlx: Module, torch: Module, names: Names, modules: Modules | None = None) -> dict[str, str]:
    """{path in MLX: path in PyTorch} of every submodule that both have. UsageError if `modules` fits nothing."""
    mlx_paths, torch_paths = submodules(mlx), submodules(torch)
    given = given_paths(modules or {}, mlx_paths, torch_paths)
    matches = {path: given.get(path) or path_by_parameters(path, names) or path for path in mlx_paths}
    return {path: other for path, other in matches.items() if other in torch_paths}


def given_paths(modules: Modules, mlx: Iterable[str], torch: Iterable[str]) -> dict[str, str]:
    """What the user says, path by path."""
    below = isinstance(modules, Mapping)
    paths: dict[str, str] = {}
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
            missing = next(iter(fitting.values()))
            raise UsageError(f"PyTorch has no submodule {missing!r}{nearest(missing, torch)}.")
        paths = fitting | paths
    return paths


def path_by_parameters(path: str, names: Names) -> str | None:
    """The PyTorch submodule that has, under the same last names, all parameters that the MLX submodule itself has."""
    targets = {name: unshifted(t) for name, t in names.targets.items() if name.rpartition(".")[0] == path}
    plain = [t for name, t in targets.items() if isinstance(t, str) and last_name(t) == last_name(name)]
    owners = {target.rpartition(".")[0] for target in plain}
    return owners.pop() if len(owners) == 1 and len(plain) == len(targets) else None


def last_name(name: str) -> str:
    return name.rpartition(".")[2]


def submodule_parameters(
    path: str, submodule: Module, root: Module, names: Names, parameters: Arrays
) -> tuple[Names, Arrays]:
    """(the names, the parameters) of MLX's submodule at `path` and of PyTorch's `submodule` of `root`.

    MLX parameters that are made of those of `submodule` are among them, wherever MLX keeps them.
    """
    full_names = {id(x): name for name, x in root.named_parameters()}
    torch_names = {full_names[id(x)] for x in submodule.parameters()}
    prefix = f"{path}." if path else ""
    mlx_names = [n for n, t in names.targets.items() if n.startswith(prefix) or torch_names & set(leaves(t))]
    torch_names = torch_names.union(*(leaves(names.targets[name]) for name in mlx_names))
    targets, indices = ({n: table[n] for n in mlx_names if n in table} for table in (names.targets, names.indices))
    chosen = {name: x for name, x in parameters.items() if name in torch_names}
    return replace(names, targets=targets, indices=indices), chosen
