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

from lyceum.contract import UserError
from lyceum.runs import checkpoint, files

LOSSES, METRICS = "val_losses.npy", "metrics.jsonl"


@dataclass
class RunFolder:
    """The files of one run. What writes raises OSError if the disk refuses, and leaves complete files behind."""

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
        files.write(self.path / METRICS, "".join(map(_json_line, lines)).encode())
        self.metrics_complete = True

    def append_metrics(self, lines: list[dict]) -> None:
        """Add the last of `lines`, so that it can be followed as it grows; all of them if the disk refused before."""
        if not self.metrics_complete:
            self.write_metrics(lines)
            return
        self.metrics_complete = False
        with open(self.path / METRICS, "a", encoding="utf-8") as file:
            file.write(_json_line(lines[-1]))
        self.metrics_complete = True

    def history(self) -> list[dict]:
        """The evaluations so far, as in metrics.jsonl. Raises UserError if there are none."""
        try:
            lines = (self.path / METRICS).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise UserError(f"{self.path} has no readable {METRICS} ({error}): give the folder of a run.") from error
        records = [record for record in map(_record, lines) if "val_loss" in record]
        if not records:
            raise UserError(f"the run in {self.path} has no evaluation yet: wait for its first.")
        return records

    def val_losses(self) -> np.ndarray:
        """The loss of every validation token of a finished run, (K, T), nan in filling positions.

        Raises UserError if they cannot be read.
        """
        try:
            return np.load(self.path / LOSSES, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{self.path} has no readable {LOSSES}: lyceum evaluate {self.path} computes its loss again."
            ) from error


def _record(line: str) -> dict:
    # A process that was killed while it wrote leaves half a line.
    try:
        return json.loads(line)
    except ValueError:
        return {}


def _json_line(record: dict) -> str:
    return json.dumps(record) + "\n"
