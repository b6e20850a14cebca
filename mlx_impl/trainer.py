"""One training step, evaluation and state in MLX: what `lyceum.training` needs of a backend.

A step is: losses of the batch under this step's noise, their mean, its gradient, as a first text leaves it, clipped at
the recipe's global norm, one update at the given learning rate: the recipe's rule for hidden matrices if it has one
(`Plan.is_hidden`), AdamW for everything else, with decay for matrices. A rule for rates multiplies that of a group.
"""

from __future__ import annotations

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten

from lyceum.runs.machine import process_peak
from mlx_impl import BLAS
from mlx_impl.alone import Alone, retain_of
from mlx_impl.average import put_back, snapshot, watch_of
from mlx_impl.growth import Growing
from mlx_impl.model import Cache, Model, load_parameters
from mlx_impl.optimizers import moments, optimizer_of, saved_name
from mlx_impl.registry import build


def best_device() -> str:
    """Apple's GPU, else CUDA, else the CPU."""
    if mx.metal.is_available():
        return "metal"
    return "cuda" if mx.cuda.is_available() else "cpu"


class Trainer(Alone, Growing):
    """The model of a plan with its optimizer, on one device.

    seed: of the initial values. device: "metal", "cuda" or "cpu"; None takes the best there is. dtype: "float32", or
    "float64" on the CPU for parity. compiled: whether mx.compile fuses the step. notes: sentences for the run's log.
    """

    def __init__(self, plan, seed: int, device: str | None = None, dtype: str = "float32", compiled: bool = True):
        self.device = device or best_device()
        if self.device not in ("cpu", best_device()):
            raise ValueError(f"this MLX has no device {self.device!r}; it has {best_device()}")
        mx.set_default_device(mx.cpu if self.device == "cpu" else mx.gpu)
        self.dtype = getattr(mx, dtype)
        self.notes = (BLAS.reason,) if self.device == "cpu" else ()
        self.given, self.seed, self.compiled = plan, seed, compiled
        self._begin(plan)
        self.retain = retain_of(plan)

    def _begin(self, plan) -> None:
        """Take up the model of a plan, with its initial values, before any step."""
        self.plan, self.model = plan, Model(plan)
        load_parameters(self.model, plan.initial(self.seed), self.dtype)
        recipe = plan.recipe
        self.clip_norm = recipe.clip_norm
        self.optimizer, self.late = optimizer_of(plan)
        self.optimizer.init(self.model.trainable_parameters())
        self.born = plan.born()
        self.watch = watch_of(plan, self.model, self.optimizer)
        self.parts = [part for part in (self.optimizer.rates, self.watch) if part is not None]  # of the state, besides
        self._set_step(0)
        self.value_and_grad = nn.value_and_grad(self.model, self._mean_loss)
        self.state = [self.model.state, self.optimizer.state]
        self._trace()

    def _trace(self) -> None:
        """Forget the compiled step: the blocks that it runs have changed."""
        self.update = mx.compile(self._update, self.state, self.state) if self.compiled else self._update

    def _set_step(self, step: int) -> None:
        # A float64 run counts in float64, since beta ** step takes the precision of the counter; uint64 gives float32.
        dtype = mx.float64 if self.dtype == mx.float64 else mx.uint64
        for optimizer in self.optimizer.optimizers:
            optimizer.state["step"] = mx.array(step, dtype)
        for i, pair in self.late.items():
            for optimizer in pair:
                optimizer.state["step"] = mx.array(max(0, step - int(self.born[i])), dtype)

    def _model(self, training: bool = False) -> Model:
        """The model in this mode: in evaluation and generation a layer may leave work out."""
        return self.model if self.model.training == training else self.model.train(training)

    def _mean_loss(self, ids: mx.array, targets: mx.array, masks: dict[str, mx.array]) -> mx.array:
        return self._model(training=True).losses(ids, targets, masks).mean()

    def _update(self, ids: mx.array, targets: mx.array, masks: dict[str, mx.array]) -> mx.array:
        loss, gradients = self.value_and_grad(ids, targets, masks)
        gradients["blocks"] = [{} if i in self.model.skipped else g for i, g in enumerate(gradients["blocks"])]
        self._descend(gradients)
        self.model.update_router_bias()
        return loss

    def step(self, ids: np.ndarray, targets: np.ndarray, noise: dict[str, np.ndarray], lr: float) -> mx.array:
        """One update; returns the batch's mean loss before it, a scalar in nats still on the device."""
        self.optimizer.learning_rate = mx.array(lr, self.dtype)
        masks = {site: mx.array(mask, self.dtype) for site, mask in noise.items()}
        before = None if self.watch is None else snapshot(self.model, self.optimizer)
        loss = self.update(mx.array(ids), mx.array(targets), masks)
        mx.eval(loss, self.state)
        if before is not None and not mx.isfinite(loss):  # no update, or nan would be everywhere
            put_back(self.model, self.optimizer, *before)
        return loss

    def _descend(self, gradients: dict) -> None:
        gradients = self._restrain(gradients)
        gradients, _ = optim.clip_grad_norm(gradients, self.clip_norm)
        self.optimizer.update(self.model, gradients)
        self._confine()

    def apply(self, gradients: dict[str, np.ndarray], lr: float) -> None:
        """One clipped update from given gradients, by parameter name: the optimizer alone."""
        self.optimizer.learning_rate = mx.array(lr, self.dtype)
        self._descend(tree_unflatten([(name, mx.array(g, self.dtype)) for name, g in gradients.items()]))
        mx.eval(self.state)

    def _steps(self) -> int:
        """The optimizer's steps so far."""
        return int(self.optimizer.optimizers[-1].step.item())

    def losses(self, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """ids, targets (B, T) -> -log p(target), (B, T) float32, nats, without noise."""
        evidence = self._evidence(self.plan.evidence(ids, targets))
        losses = self._model().losses(mx.array(ids), mx.array(targets), {}, evidence)
        return np.array(losses.astype(mx.float32))

    def log_probs(self, ids: np.ndarray, positions: np.ndarray | None = None) -> np.ndarray:
        """ids (B, T) -> log p of every next id, float32, nats, (B, V) after one position of each row, positions (B,).

        Without positions (B, T, V), one position at a time, since a memory needs 20 V numbers at each.
        """
        if positions is None:
            return np.stack([self.log_probs(ids, np.full(len(ids), t)) for t in range(ids.shape[1])], axis=1)
        evidence = self._evidence(self.plan.evidence_at(ids, positions))
        log_probs = self._model().log_probs(mx.array(ids), mx.array(positions), evidence)
        return np.array(log_probs.astype(mx.float32))

    def start(self, batch: int) -> Cache:
        """The cache of texts that have not begun, for `go_on`."""
        return self.model.start(batch)

    def go_on(self, cache: Cache, ids: np.ndarray, new: int) -> tuple[Cache, np.ndarray]:
        """Continue texts whose cache lacks the last `new` of ids (B, T); T is at most block_size.

        Returns the cache with them and log p of every next id, (B, V), as `log_probs` after the last position.
        """
        evidence = self._evidence(self.plan.evidence_at(ids, np.full(len(ids), ids.shape[1] - 1)))
        cache, x = self._model().step(cache, mx.array(ids[:, -new:]))
        log_probs = self.model.next_log_probs(x[:, -1], evidence)
        mx.eval(cache, log_probs)
        return cache, np.array(log_probs.astype(mx.float32))

    def _evidence(self, arrays: tuple[np.ndarray, ...]) -> tuple[mx.array, ...]:
        return tuple(mx.array(x, self.dtype) for x in arrays)

    def draw(self, sampler, log_probs: np.ndarray, *variates: np.ndarray) -> np.ndarray:
        """log_probs (B, V), variates (B,) int64 each -> (B, 4 or more) int64: what a sampler draws."""
        return np.array(build(sampler).draw(mx.array(log_probs), *map(mx.array, variates)))

    def read(self) -> dict[str, np.ndarray]:
        """The complete state by the names both backends share; the arrays are copies."""
        state = {"optimizer.step": np.int64(self._steps())}
        if self.plan.recipe.growth is not None:
            state["growth.born"] = self.born.copy()
        state |= {f"model.{name}": np.array(p) for name, p in tree_flatten(self.model.parameters())}
        for optimizer in self.optimizer.optimizers:
            state |= {saved_name(name): np.array(value) for name, value in moments(optimizer)}
        return state | {name: x for part in self.parts for name, x in part.read().items()}

    def write(self, state: dict[str, np.ndarray]) -> None:
        """Put back a state that `read` of either backend returned, bit for bit. Raises ValueError for foreign names."""
        self._fit(state)
        values = {name[6:]: value for name, value in state.items() if name.startswith("model.")}
        load_parameters(self.model, values, self.dtype)
        for optimizer in self.optimizer.optimizers:
            values = [(name, mx.array(state[saved_name(name)], self.dtype)) for name, _ in moments(optimizer)]
            optimizer.state.update(tree_unflatten(values))
        self.born = state.get("growth.born", self.born).copy()
        self.model.skipped = frozenset(np.flatnonzero(self.born < 0).tolist())
        for part in self.parts:
            part.write(state)
        self._set_step(int(state["optimizer.step"]))
        self._trace()

    def peak_memory(self) -> int:
        """Bytes: the peak that MLX reports on a GPU, the process's peak on the CPU."""
        if self.device != "cpu":
            return mx.get_peak_memory()
        return process_peak()
