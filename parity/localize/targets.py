"""Targets: what `localize` takes, from references on a command line or from a plan.

my_port.py:mlx_block my_port.py:torch_block      two references, see `references`
mlx:aristotle torch:aristotle                    the tiny model of a persona in both backends
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import mlx.nn
import torch

import mlx_impl.model
import torch_ref.model
from lyceum.contract import UsageError
from lyceum.personas import PERSONAS, Plan
from parity.localize.references import INPUT_HELP, load_model, load_object, parse_input
from parity.localize.updates import STEPS, Update
from parity.project import optimizer_steps, step
from parity.project.full_model import drawn
from parity.project.tiny_models import tiny_plan


@dataclass(frozen=True)
class Target:
    """The arguments of `localize`, by name."""

    mlx: mlx.nn.Module
    torch: torch.nn.Module
    inputs: tuple
    names: Any = None
    mlx_call: Callable | None = None
    torch_call: Callable | None = None
    updates: tuple[Update, ...] = ()


def targets_from(first: str, second: str, inputs: Sequence[str] = (), names: str | None = None) -> Target:
    """Two references in either order, their inputs, and a reference to how their parameters correspond.

    Raises UsageError, one sentence.
    """
    both = f"{first} and {second}"
    if any(reference.startswith(("mlx:", "torch:")) for reference in (first, second)):
        persona = first.partition(":")[2]
        if persona not in PERSONAS or {first, second} != {f"mlx:{persona}", f"torch:{persona}"}:
            choices = ", ".join(f"mlx:{name} torch:{name}" for name in PERSONAS)
            raise UsageError(f"{both} are not one persona in two backends: say one of {choices}.")
        if inputs or names:
            raise UsageError(f"{both} bring their inputs and names: leave out --input and --names.")
        return plan_target(tiny_plan(persona))
    name_map = load_object(names) if names else None
    if not isinstance(name_map, Mapping | list | tuple | None):
        raise UsageError(f"{names} is {type(name_map).__name__}: it must be a dictionary or a list of pairs.")
    models = load_model(first), load_model(second)
    mlx_model, torch_model = sorted(models, key=lambda model: isinstance(model, torch.nn.Module))
    if isinstance(mlx_model, torch.nn.Module) or isinstance(torch_model, mlx.nn.Module):
        framework = "PyTorch" if isinstance(mlx_model, torch.nn.Module) else "MLX"
        raise UsageError(f"{both} are both modules of {framework}: one must be MLX's, one PyTorch's.")
    if not inputs:
        raise UsageError(f"{both} need inputs: {INPUT_HELP}.")
    return Target(mlx_model, torch_model, tuple(parse_input(text) for text in inputs), name_map)


def plan_target(plan: Plan, seed: int = 0) -> Target:
    """A plan's model, optimizer and training step in either backend.

    The parameters are in general position. The sequences are shorter than the block, which shows a table that is
    aligned with its end.
    """
    parameters, ids, targets, noise = drawn(plan, seed)
    length = plan.fixed.block_size * 3 // 4
    mlx_model, torch_model = mlx_impl.model.Model(plan), torch_ref.model.Model(plan)
    mlx_impl.model.load_parameters(mlx_model, parameters)
    torch_ref.model.load_parameters(torch_model, parameters)
    inputs = ids[:, :length], targets[:, :length], {name: x[:, :length] if x.ndim else x for name, x in noise.items()}
    updates = (
        Update("optimizer", "apply", partial(optimizer_steps.check, plan, STEPS)),
        Update("trainer", "step", partial(step.check, plan, seed)),
    )
    return Target(mlx_model, torch_model, inputs, None, _losses, _losses, updates)


def _losses(model: Any, *inputs: Any) -> Any:
    return model.losses(*inputs)
