"""Where else a run is logged while it trains: `--log tensorboard` or `--log wandb`.

The run folder always has metrics.jsonl. A logger repeats its lines for another program:

    tensorboard    event files in <run folder>/tensorboard, for `tensorboard --logdir runs`
    wandb          a run in the user's account, in the project "lyceum"

The names are those of metrics.jsonl: val_loss, train_loss (nats per token), lr, and at the end best_vloss, full_vloss,
full_vloss_se and elapsed_min. A resumed run goes on there. Both programs are optional: nothing is imported
unless it is asked for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from lyceum.contract import UsageError

EVALUATION = ("val_loss", "train_loss", "lr")
RESULT = ("best_vloss", "full_vloss", "full_vloss_se", "elapsed_min")


class Logger:
    """Logs nowhere; the others override what they need."""

    def evaluation(self, line: dict) -> None:
        """One evaluation, as in metrics.jsonl."""

    def result(self, result: dict) -> None:
        """The figures of a finished run, as in result.json."""

    def close(self) -> None:
        """Write what is not written yet."""


class TensorBoard(Logger):
    """Event files that TensorBoard reads. step: the iteration from which the run goes on; later events are dropped."""

    def __init__(self, folder: Path, config: dict, step: int):
        self._writer = _imported("tensorboardX", "tensorboard").SummaryWriter(
            str(folder / "tensorboard"), purge_step=step or None
        )
        self._writer.add_text("command", str(config["command"]), step)

    def evaluation(self, line: dict) -> None:
        for name in EVALUATION:
            self._writer.add_scalar(name, line[name], line["step"])
        self._writer.flush()

    def result(self, result: dict) -> None:
        for name in RESULT:
            self._writer.add_scalar(name, result[name], result["iterations"])

    def close(self) -> None:
        self._writer.close()


class WandB(Logger):
    """A run at Weights & Biases; WANDB_MODE=offline keeps it on this machine."""

    def __init__(self, folder: Path, config: dict, step: int):
        wandb = _imported("wandb", "wandb")
        # The folder's name is the run's, so that a resumed run goes on there.
        self._run = wandb.init(project="lyceum", id=folder.name, resume="allow", dir=str(folder), config=config)

    def evaluation(self, line: dict) -> None:
        self._run.log({name: line[name] for name in EVALUATION}, step=line["step"])

    def result(self, result: dict) -> None:
        self._run.summary.update({name: result[name] for name in RESULT})

    def close(self) -> None:
        self._run.finish()


LOGGERS = {"tensorboard": TensorBoard, "wandb": WandB}


def check(name: str | None) -> None:
    """Raises UsageError for a logger that is unknown or not installed."""
    if name is None:
        return
    if name not in LOGGERS:
        raise UsageError(f"there is no logger {name!r}: choose one of {', '.join(LOGGERS)}.")
    _imported({"tensorboard": "tensorboardX", "wandb": "wandb"}[name], name)


def open_logger(name: str | None, folder: Path, config: dict[str, Any], step: int) -> Logger:
    """The logger of that name for a run in `folder`, from iteration `step` on; None logs nowhere."""
    return Logger() if name is None else LOGGERS[name](folder, config, step)


def _imported(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"--log {name} needs {module}, which does not import here ({error}): run pip install {module}, or leave "
            "--log out."
        ) from error
