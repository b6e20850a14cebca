"""A backend in twenty lines of NumPy, so that the loop can be tested without any framework.

The model is a bigram table W (V, V): p(target | id) = softmax(W[id]), trained by gradient descent with momentum, its
gradient multiplied by a random mask. It has everything that resuming must get right: parameters, optimizer state, a
step count, variates addressed by the iteration, a schedule and tables.

Run as a program (`python toy_backend.py FOLDER STEPS CHECKPOINT_INTERVAL`) it trains into FOLDER, from the checkpoint
there if there is one, so that tests can send signals to it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from lyceum.contract import Fixed, UserError  # noqa: E402
from lyceum.rng import keep_mask, stream  # noqa: E402
from lyceum.runs import checkpoint  # noqa: E402
from lyceum.runs.folder import RunFolder  # noqa: E402
from lyceum.training import loop  # noqa: E402
from lyceum.training.console import Console  # noqa: E402
from lyceum.training.job import Job  # noqa: E402
from lyceum.training.progress import Progress  # noqa: E402
from lyceum.training.signals import Interrupted  # noqa: E402

IDS = 16
SEED = 5
FIXED = Fixed(
    batch_size=2, block_size=8, n_layer=1, n_head=1, n_embd=1, max_iters=501, eval_interval=100, eval_batches=1
)


class Plan:
    name = "toy"
    recipe = SimpleNamespace(learning_rate=lambda step: 0.5 / (1 + step / 100))

    def __init__(self):
        self.tables = {"identity": np.eye(3)}

    def noise(self, seed: int, step: int) -> dict[str, np.ndarray]:
        return {"table": keep_mask(stream(seed, "toy-noise", step), (IDS, IDS), 0.5)}

    def growth_steps(self) -> tuple[int, ...]:
        return ()

    def describe(self) -> dict:
        return {"ids": IDS, "betas": (0.9,)}


class Trainer:
    device = "cpu"
    notes = ()
    watch = None

    def __init__(self, plan: Plan, seed: int, device: str | None = None):
        self.table = stream(seed, "initial/table").normal(size=(IDS, IDS)).astype(np.float32)
        self.velocity = np.zeros_like(self.table)
        self.steps = 0
        self.calls: list[str] = []

    def losses(self, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
        self.calls.append("losses")
        return -np.log(self._probabilities(ids)[(*np.indices(ids.shape), targets)])

    def step(self, ids: np.ndarray, targets: np.ndarray, noise: dict, lr: float) -> np.float32:
        self.calls.append("step")
        p = self._probabilities(ids)
        loss = -np.log(p[(*np.indices(ids.shape), targets)]).mean()
        gradient = np.zeros_like(self.table)
        np.add.at(gradient, ids, (p - np.eye(IDS, dtype=np.float32)[targets]) / np.float32(ids.size))
        self.velocity = np.float32(0.9) * self.velocity + noise["table"] * gradient
        self.table = self.table - np.float32(lr) * self.velocity
        self.steps += 1
        return loss

    def read(self) -> dict[str, np.ndarray]:
        return {
            "model.table": self.table.copy(),
            "optimizer.velocity": self.velocity.copy(),
            "optimizer.step": np.int64(self.steps),
        }

    def write(self, state: dict[str, np.ndarray]) -> None:
        self.table, self.velocity = state["model.table"].copy(), state["optimizer.velocity"].copy()
        self.steps = int(state["optimizer.step"])

    def peak_memory(self) -> int:
        return 1

    def _probabilities(self, ids: np.ndarray) -> np.ndarray:
        powers = np.exp(self.table[ids] - self.table[ids].max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)


def job() -> Job:
    train, val = (stream(0, f"toy-text-{split}").integers(0, IDS, 2000).astype(np.uint16) for split in ("train", "val"))
    text = SimpleNamespace(train=train, val=val, source="toy", official=False)
    return Job(Trainer(Plan(), SEED), Plan(), text, FIXED, SEED)


def start(path: Path) -> tuple[Job, RunFolder, Progress]:
    """A run in the folder `path`, continued from its checkpoint if there is one."""
    toy, folder = job(), RunFolder(path)
    progress = Progress(time.perf_counter(), {})
    if folder.checkpoint.exists():
        header, arrays = checkpoint.read(folder.checkpoint)
        progress = Progress.restored(header, time.perf_counter(), {})
        toy.trainer.write(arrays)
    folder.write_metrics(progress.history)
    return toy, folder, progress


def train(path: Path, steps: int) -> Job:
    toy, folder, progress = start(path)
    loop.run(toy, folder, progress, steps, Console(quiet=True))
    return toy


if __name__ == "__main__":
    loop.CHECKPOINT_INTERVAL = int(sys.argv[3])
    try:
        train(Path(sys.argv[1]), int(sys.argv[2]))
    except Interrupted as stop:
        print(stop)
        sys.exit(stop.exit_status)
    except UserError as error:
        sys.exit(str(error))
