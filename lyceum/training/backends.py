"""The one backend that a run uses; the framework of the other may be absent.

A backend is a module with a class `Trainer(plan, seed, device)`:

    .device                                a name, such as "mps", "metal", "cuda", "cpu"
    .notes                                 sentences on what the backend chose here, for the log
    .step(ids, targets, noise, lr) -> loss one update; a scalar of the framework, read by float()
    .losses(ids, targets) -> float32 (B,T) nats per token, in evaluation mode, with the plan's memory if it has one
    .log_probs(ids, at) -> float32 (B,V)   of every id after one position of each row; (B,T,V) without `at`
    .start(B) -> cache, .go_on(cache, ids, new) -> cache, float32 (B,V): the same after ids (B,T), token by token
    .gradients(ids, targets, weight)       {name: array}, of the sum of weight * log p(target), without memory
    .laws(ids, positions) -> float32       (B,n,V), as log_probs, after some positions of all rows, without memory
    .uncertainty(ids) -> float32 (B,T,3)   what a memory's gate reads of the model
    .draw(sampler, log_probs, *variates)    (B,4) int64 or more, as `draw` of the sampler
    .read() -> {name: array}, .write({...}) all of the state, bit for bit
    .watch                                 None, or what finds and restores hurt rows (`lyceum.personas.repair.watch`)
    .peak_memory() -> bytes
"""

from __future__ import annotations

import importlib

from lyceum.contract import UsageError, UserError

PACKAGES = {"mlx": "mlx_impl", "torch": "torch_ref"}
TITLES = {"mlx": "MLX", "torch": "PyTorch"}
APPLE, CUDA = ("mps", "metal"), ("cuda",)


def load(backend: str) -> type:
    """The Trainer class of `backend`. Raises UserError if its framework is absent or does not load."""
    try:
        return importlib.import_module(f"{PACKAGES[backend]}.trainer").Trainer
    except ValueError as error:  # an environment variable of the backend's has a value that means nothing
        raise UsageError(str(error)) from error
    except ImportError as error:
        # An ImportError of this project is a bug and must show as one.
        if (error.name or "").split(".")[0] != backend:
            raise
        absent = isinstance(error, ModuleNotFoundError) and error.name == backend
        problem = "is not installed" if absent else f"does not load ({error})"
        raise UserError(
            f'the {backend} backend needs {TITLES[backend]}, which {problem} here: run pip install -e ".[{backend}]" '
            "in the project's folder, or choose the other --backend."
        ) from error


def start(backend: str, trainer_class: type, plan, seed: int, device: str | None):
    """A trainer of the class. Raises UsageError if `backend` lacks the device that was asked for."""
    try:
        return trainer_class(plan, seed, device)
    except (AssertionError, RuntimeError, ValueError) as error:  # what the frameworks raise for a device they lack
        if device is None:
            raise
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"{backend} cannot use the device {device!r} here ({reason}): leave --device out to take the best there is."
        ) from error


def why(device: str, asked: str | None) -> str:
    """One line on which device a run uses and why. device: the trainer's; asked: the user's, if any."""
    if asked is not None:
        return f"Running on {device}, as asked."
    if device.startswith(APPLE):
        return f"Running on {device}, Apple's GPU."
    if device.startswith(CUDA):
        return f"Running on {device}: there is no Apple GPU here."
    return f"Running on {device}: there is neither an Apple GPU nor CUDA here."
