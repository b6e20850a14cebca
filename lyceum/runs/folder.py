"""The run folder: one run, one folder, and nothing in it half-written.

config.json            which run it is, on which machine, and whether its figures are comparable
metrics.jsonl          one JSON object per evaluation, appended as it happens; the last one is the summary
checkpoint.safetensors where the run can be continued
val_losses.npy         at the end, the loss of every validation token, so that any two runs can be paired
loss.png, result.json  at the end
"""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyceum.runs import files, checkpoint
from lyceum.contract import UsageError
from lyceum.training.request import Request

LOSSES = "val_losses.npy"


@dataclass
class RunFolder:
    """The files of one run. Every method raises OSError if the disk refuses, and leaves whole files behind."""

    path: Path
    metrics_complete: bool = False

    @property
    def checkpoint(self) -> Path:
        return self.path / checkpoint.FILE_NAME

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    def write_json(self, name: str, value: dict) -> None:
        """Replace the JSON file `name`."""
        files.write(self.path / name, (json.dumps(value, indent=2) + "\n").encode())

    def write_figure(self, png: bytes) -> None:
        """Replace loss.png."""
        files.write(self.path / "loss.png", png)

    def write_losses(self, losses: np.ndarray) -> None:
        """Replace val_losses.npy."""
        buffer = io.BytesIO()
        np.save(buffer, losses)
        files.write(self.path / LOSSES, buffer.getvalue())

    def write_metrics(self, lines: list[dict]) -> None:
        """Replace metrics.jsonl."""
        self.metrics_complete = False
        files.write(self.path / "metrics.jsonl", "".join(map(_json_line, lines)).encode())
        self.metrics_complete = True

    def append_metrics(self, lines: list[dict]) -> None:
        """Add the last of `lines`, so that it can be followed as it grows; all of them if the disk refused before."""
        if not self.metrics_complete:
            self.write_metrics(lines)
            return
        self.metrics_complete = False
        with open(self.path / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(_json_line(lines[-1]))
        self.metrics_complete = True


def choose(request: Request) -> RunFolder:
    """The folder of a run, not yet created. Raises UsageError rather than let a run overwrite another."""
    if request.resume is not None:
        return RunFolder(Path(request.resume))
    if request.out is None:
        return RunFolder(_new_name(Path("runs"), request))
    path = Path(request.out)
    if (path / checkpoint.FILE_NAME).exists():
        raise UsageError(f"{path} holds a run already: continue it with --resume {path}, or choose another --out.")
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"{path} exists and is not an empty folder: choose another --out.")
    return RunFolder(path)


def _new_name(runs: Path, request: Request) -> Path:
    name = f"{request.persona}-{request.backend}-{request.seed}-{time.strftime('%Y%m%d-%H%M%S')}"
    # Runs started within one second, by a search driver for instance.
    names = (name if copy == 1 else f"{name}-{copy}" for copy in range(1, 1000))
    return next(runs / name for name in names if not (runs / name).exists())


def _json_line(record: dict) -> str:
    return json.dumps(record) + "\n"
