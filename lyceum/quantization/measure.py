"""A run quantized, and what that costs in loss.

The loss before and after is `full_vloss`, computed by the backend on the same blocks, so that their difference is
paired: its standard error is that of the blocks' differences, far below that of either loss. Bits and sweeps were
chosen on the training split. Bits a weight are those of the complete file but the plan's tables, which are no weights:
codes, the quantizer's tables, parameters of rank 1, the header and the table of contents.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyceum.quantization import codes, file_format
from lyceum.runs import checkpoint
from lyceum.runs.reopen import Reopened, losses_of
from lyceum.training.evaluation import ratio
from lyceum.training.job import Job


@dataclass(frozen=True)
class Cost:
    """full_vloss before and after, and the paired difference with its standard error, in nats per token."""

    before: float
    after: float
    difference: float
    error: float


@dataclass(frozen=True)
class Quantized:
    """What `quantize_run` has written. table_bytes: of file_bytes, those of the plan's tables."""

    path: Path
    weights: int
    file_bytes: int
    table_bytes: int
    cost: Cost

    @property
    def bits_per_weight(self) -> float:
        return 8 * (self.file_bytes - self.table_bytes) / self.weights


def quantize_run(run: Reopened) -> Quantized:
    """Write the run's `quantized.safetensors` beside its checkpoint, and measure it as it is read back.

    Raises UsageError if the run's persona has no quantizer, CheckpointError if the file cannot be written.
    """
    job, state = run.job, run.job.trainer.read()
    compute = codes.computing(run.request.backend, job.trainer.device)
    record, arrays = codes.quantize(state, job.plan.name, job.seed, compute)
    identity = file_format.identity(checkpoint.identity(job.fixed, job.plan, job.seed, job.corpus))
    path = run.folder.path / file_format.FILE_NAME
    file_format.write(path, identity | {"step": run.step}, record, arrays, job.plan.tables)
    _, parameters, _ = file_format.parameters(path, compute)
    return Quantized(
        path,
        weights=sum(x.size for name, x in state.items() if name.startswith("model.")),
        file_bytes=path.stat().st_size,
        table_bytes=sum(x.nbytes for x in job.plan.tables.values()),
        cost=Losses(job).cost(parameters),
    )


class Losses:
    """What other parameters cost a run in full_vloss, on the same blocks, so that the difference is paired."""

    def __init__(self, job: Job):
        """Computes the losses of the trainer as it is."""
        self.job = job
        self.before, self.weights = losses_of(job)

    def cost(self, parameters: dict[str, np.ndarray]) -> Cost:
        """Of `parameters` ("model.<name>"), which the trainer then has."""
        self.job.trainer.write(self.job.trainer.read() | parameters)
        after, _ = losses_of(self.job)
        difference, error = ratio(after - self.before, self.weights)
        return Cost(ratio(self.before, self.weights)[0], ratio(after, self.weights)[0], difference, error)
