"""How far a run is: everything that must survive besides the arrays of the model and its optimizer.

Batches, masks and learning rates are addressed by the iteration, so one number, the step, is the position of every
stream. The evaluations so far are here too, and travel in the checkpoint, which therefore suffices to write all
of `metrics.jsonl` again: a resumed run cannot repeat a line or lose one, whatever happened to that file.

Time. `seconds` is what the run has cost: the wall-clock time since the entry of train(), plus, in a resumed run, what
the sessions before it had used up to the checkpoint. (What was computed after the checkpoint and lost is computed
again, and counted once.)
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import inf


@dataclass
class Progress:
    """The state of a run between two iterations.

    entered: time.perf_counter() at the entry of train(). step: iterations done, also the number of the next one.
    earlier: seconds of earlier sessions. history: one record per evaluation. sessions: one record per call of train().
    request: Request.recorded(), for --resume.
    """

    entered: float
    request: dict[str, object]
    step: int = 0
    earlier: float = 0.0
    history: list[dict] = field(default_factory=list)
    sessions: list[dict] = field(default_factory=list)

    @classmethod
    def restored(cls, header: dict, entered: float, request: dict[str, object]) -> Progress:
        """The progress that a checkpoint's header records, continued by a session that began at `entered`."""
        return cls(entered, request, header["step"], header["seconds"], header["history"], header["sessions"])

    @property
    def best_vloss(self) -> float:
        """The lowest validation-batch loss so far, in nats per token; inf before the first."""
        return min((line["val_loss"] for line in self.history), default=inf)

    def seconds(self) -> float:
        """Wall-clock seconds of the run up to now."""
        return self.earlier + time.perf_counter() - self.entered

    def header(self) -> dict[str, object]:
        """What a checkpoint says about it, as JSON-able values."""
        return {
            "step": self.step,
            "streams": {"train-batch": self.step, "noise": self.step, "val-batch": len(self.history)},
            "best_vloss": self.best_vloss,
            "seconds": self.seconds(),
            "history": self.history,
            "sessions": self.sessions,
            "request": self.request,
        }
