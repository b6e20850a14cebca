"""The contract: eight values that no flag, argument, persona, environment variable or file may change.

Runs can be compared because these are the same in all of them. The values themselves stand in one block at the top of
`train_mps.py`; this file only says which names there are, so there is no second block where a value could be edited.
An attempt to set one is refused with a sentence rather than ignored, because a search driver that believes it has
changed the batch size would draw wrong conclusions from every run that follows.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


class UserError(ValueError):
    """A mistake of the user's or the machine's, not of the program: the message is one sentence that says what to do.

    exit_status: what the command line returns to the shell.
    """

    exit_status = 1


class UsageError(UserError):
    """A wrong argument, noticed before anything was run or written."""

    exit_status = 2


class ContractError(UsageError):
    """An attempt to change a fixed value."""


@dataclass(frozen=True)
class Fixed:
    """The fixed values: sizes in sequences, tokens, layers, heads and features; counts in iterations and batches."""

    batch_size: int
    block_size: int
    n_layer: int
    n_head: int
    n_embd: int
    max_iters: int
    eval_interval: int
    eval_batches: int


NAMES = tuple(field.name for field in fields(Fixed))


def refusal(fixed: Fixed, name: str, given: object) -> ContractError:
    """The exception to raise when somebody tries to set the fixed value `name`, in either spelling, to `given`."""
    name = name.replace("-", "_")
    return ContractError(
        f"the contract (CONTRACT.md) fixes {name} at {asdict(fixed)[name]} so that runs can be compared, "
        f"and nothing may set it (given: {given}): leave it out."
    )


def refuse(fixed: Fixed, arguments: dict[str, object]) -> None:
    """Reject keyword arguments that train() does not take: ContractError for a fixed value, TypeError for any other."""
    for name, given in arguments.items():
        if name.replace("-", "_") in NAMES:
            raise refusal(fixed, name, given)
        raise TypeError(f"train() got an unexpected keyword argument {name!r}")
