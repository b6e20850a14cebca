"""What the user sees: a bar while there is a terminal, one line per evaluation anywhere, nothing when quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from lyceum.training.progress import Progress


class Speed(ProgressColumn):
    """Iterations per second over the last half minute."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} it/s")


class Console:
    """Lines and the bar go to standard output, warnings to standard error; `quiet` silences all of them."""

    def __init__(self, quiet: bool = False):
        self._out = rich.console.Console(quiet=quiet, highlight=False, markup=False)
        self._errors = rich.console.Console(quiet=quiet, highlight=False, markup=False, stderr=True)
        self._bar: Bar | None = None

    def line(self, text: str) -> None:
        """Print one line, however long."""
        self._out.print(text, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print one line that must not be missed."""
        self._errors.print(f"warning: {text}", soft_wrap=True)

    @contextmanager
    def bar(self, done: int, total: int) -> Iterator[None]:
        """Show the iterations, `done` of `total` at first, while the context lasts."""
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            Speed(),
            TextColumn("loss {task.fields[loss]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        with Bar(*columns, console=self._out, disable=not self._out.is_terminal) as self._bar:
            self._bar.add_task("", completed=done, total=total, loss="-")
            yield
            self._bar.update(self._bar.task_ids[0], completed=total)
        self._bar = None

    def advance(self, step: int, loss: float) -> None:
        """Move the bar to `step` iterations done, the last of them with this training loss."""
        self._bar.update(self._bar.task_ids[0], completed=step, loss=f"{loss:.3f}")

    def evaluation(self, progress: Progress) -> None:
        """One line for the latest evaluation."""
        latest = progress.history[-1]
        self.line(
            f"iteration {latest['step']:>6,}   validation {latest['val_loss']:.4f}   "
            f"training {latest['train_loss']:.4f}   best {progress.best_vloss:.4f}   "
            f"lr {latest['lr']:.2e}   {latest['seconds'] / 60:6.2f} min"
        )

    def result(self, result: dict) -> None:
        """The figures of a finished run."""
        self.line(f"best_vloss   {result['best_vloss']:.4f} nats per token, the lowest of the validation batches")
        self.line(
            f"full_vloss   {result['full_vloss']:.4f} ± {result['full_vloss_se']:.4f} nats per token, "
            "all of the validation split"
        )
        self.line(f"elapsed_min  {result['elapsed_min']:.2f}")
        self.line(f"peak memory  {result['peak_memory_bytes'] / 2**20:.0f} MiB")
        if not result["comparable"]:
            self.line(f"These figures are not comparable with others: {result['not_comparable_because']}.")
