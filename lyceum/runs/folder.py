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
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyceum.runs import checkpoint, files

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


def _json_line(record: dict) -> str:
    return json.dumps(record) + "\n"
