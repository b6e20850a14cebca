"""`--quantize RUN_DIR`: the weights of a run in at most 4.5 bits each, and what that costs in loss.

The loss before and after is `full_vloss`, computed by the backend on the same blocks, so that their difference is paired:
its standard error is that of the blocks' differences, far below that of either loss. Bits and sweeps were settled on
the training split. Bits a weight are those of the whole file but the plan's tables, which are no weights: codes,
the quantizer's tables, parameters of rank 1, the header and the table of contents.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lyceum.contract import Fixed, UsageError
from lyceum.corpus.batches import val_blocks
from lyceum.quantization import quantized
from lyceum.runs import checkpoint
from lyceum.runs.folder import RunFolder
from lyceum.training.console import Console
from lyceum.training.evaluation import ratio, split_losses
from lyceum.training.job import Job
from lyceum.training.request import Request, started_with
from lyceum.training.session import build

ALLOWED = {"quantize", "backend", "device", "data_dir"}


def run(fixed: Fixed, given: dict[str, object]) -> dict[str, object]:
    """Quantize the run in given["quantize"], print what it costs, and return the figures.

    given: the command line's arguments; backend and device are the run's own unless given. Raises UserError.
    """
    for name in sorted(given.keys() - ALLOWED):
        raise UsageError(f"--quantize takes a run as it is: leave --{name.replace('_', '-')} out.")
    console = Console(quiet=False)
    job, compute, header = opened(fixed, given, console)
    quantized.quantizer(job.plan.name)
    state = job.trainer.read()
    record, coded = quantized.quantize(state, job.plan.name, job.seed, compute)
    identity = checkpoint.identity(job.fixed, job.plan, job.seed, job.corpus) | {"step": header["step"]}
    path = Path(str(given["quantize"])) / quantized.FILE_NAME
    quantized.write(path, identity, record, coded, job.plan.tables)
    _, parameters, _ = quantized.parameters(path, compute)
    figures = _sizes(path, state, job.plan.tables) | Losses(job).of(parameters)
    _say(console, path, figures)
    return figures


def opened(fixed: Fixed, given: dict[str, object], console: Console) -> tuple[Job, quantized.Compute, dict]:
    """(job, how its backend computes, the checkpoint's header) of the run in given["quantize"]. Raises UserError."""
    place = RunFolder(Path(str(given["quantize"])))
    if not place.checkpoint.exists():
        raise UsageError(f"there is no run in {place.path}: give the folder of one, with {checkpoint.FILE_NAME} in it.")
    asked = {name: given[name] for name in given if name != "quantize"} | {"resume": place.path}
    request = Request(**(started_with(asked) | asked | {"out": None, "resume": str(place.path)}))
    request.check(fixed)
    header, arrays = checkpoint.read(place.checkpoint)
    job = build(fixed, request, place, (header, arrays))
    if header["step"] < request.last_step(fixed):
        console.line(f"Note: this run is unfinished, at iteration {header['step']:,} of {request.last_step(fixed):,}.")
    return job, quantized.computing(request.backend, job.trainer.device), header


class Losses:
    """What other parameters cost a run in full_vloss, on the same blocks, so that the difference is paired."""

    def __init__(self, job: Job):
        """Computes the loss of the trainer as it is."""
        self.job = job
        self.before, self.weights = self._split()

    def of(self, parameters: dict[str, np.ndarray]) -> dict[str, float]:
        """The loss before and with `parameters` ("model.<name>"), which the trainer then keeps; their difference."""
        self.job.trainer.write(self.job.trainer.read() | parameters)
        after, _ = self._split()
        difference, error = ratio(after - self.before, self.weights)
        return {
            "full_vloss_before": ratio(self.before, self.weights)[0],
            "full_vloss_after": ratio(after, self.weights)[0],
            "difference": difference,
            "difference_se": error,
        }

    def _split(self) -> tuple[np.ndarray, ...]:
        sizes = self.job.fixed.batch_size, self.job.fixed.block_size
        return split_losses(self.job.trainer, val_blocks(self.job.corpus, *sizes))


def _sizes(path: Path, state: dict[str, np.ndarray], tables: dict[str, np.ndarray]) -> dict[str, object]:
    weights = sum(x.size for name, x in state.items() if name.startswith("model."))
    size, of_tables = path.stat().st_size, sum(x.nbytes for x in tables.values())
    return {
        "weights": weights,
        "bits_per_weight": 8 * (size - of_tables) / weights,
        "file_bytes": size,
        "table_bytes": of_tables,
    }


def _say(console: Console, path: Path, figures: dict[str, object]) -> None:
    console.line(f"Wrote {path}")
    console.line(
        f"bits per weight  {figures['bits_per_weight']:.3f} of {figures['weights']:,} weights, the quantizer's tables "
        f"and the header included\nfile             {figures['file_bytes']:,} bytes, of which "
        f"{figures['table_bytes']:,} are the plan's tables\n"
        f"full_vloss       {figures['full_vloss_before']:.4f} before, "
        f"{figures['full_vloss_after']:.4f} after: {figures['difference']:+.4f} +- {figures['difference_se']:.4f}"
    )
