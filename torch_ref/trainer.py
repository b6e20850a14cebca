"""One training step, evaluation and state in PyTorch: what `lyceum.training` needs of a backend.

A step is: losses of the batch under this step's noise, their mean, its gradient, as a first text leaves it, clipped at
the recipe's global norm, one update at the given learning rate: the recipe's rule for hidden matrices if it has one
(`Plan.is_hidden`), AdamW for everything else, with decay for matrices. A rule for rates multiplies that of a group.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lyceum.runs.machine import process_peak
from torch_ref.alone import Alone, retain_of
from torch_ref.average import watch_of
from torch_ref.growth import Growing, born_at
from torch_ref.model import Cache, Model, load_parameters
from torch_ref.optimizers import MOMENTS, optimizers_of
from torch_ref.rates import rates_of
from torch_ref.registry import build


def best_device() -> str:
    """Apple's GPU, else CUDA, else the CPU."""
    if torch.backends.mps.is_available():
        return "mps"
    return "cuda" if torch.cuda.is_available() else "cpu"


class Trainer(Alone, Growing):
    """The model of a plan with its optimizer, on one device.

    seed: of the initial values. device: "mps", "cuda" or "cpu"; None takes the best there is. dtype: "float32", or
    "float64" on the CPU for parity. notes: sentences for the run's log.
    """

    def __init__(self, plan, seed: int, device: str | None = None, dtype: str = "float32"):
        self.device = device or best_device()
        # The default on every device but some GPUs; TF32 would round products to 11 bits.
        torch.set_float32_matmul_precision("highest")
        self.precision, self.dtype, self.notes = dtype, getattr(torch, dtype), ()
        self.given, self.seed = plan, seed
        self._begin(plan)
        self.retain = retain_of(plan, self.device, self.dtype)

    def _begin(self, plan) -> None:
        """Take up the model of a plan, with its initial values, before any step."""
        self.plan, self.model = plan, Model(plan)
        load_parameters(self.model, plan.initial(self.seed))
        self.model.to(self.device, self.dtype)
        # Router biases have no gradient (`Plan.router_biases`): the model saves them, no optimizer gets them.
        self.named = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self.clip_norm, self.born = plan.recipe.clip_norm, plan.born()
        self.adamw, self.stacked = optimizers_of(plan, self.named)
        self.rates = rates_of(plan, self.named)
        self.watch = watch_of(plan, self.named, self._moments)
        self.parts = [part for part in (self.rates, self.watch) if part is not None]  # of the state, besides

    def _model(self, training: bool = False) -> Model:
        """The model in this mode: in evaluation and generation a layer may leave work out."""
        return self.model if self.model.training == training else self.model.train(training)

    def on_device(self, ids: np.ndarray) -> Tensor:
        return torch.from_numpy(ids).to(self.device, torch.int64)

    def _mean_loss(self, ids: np.ndarray, targets: np.ndarray, noise: dict[str, np.ndarray]) -> Tensor:
        masks = {site: torch.from_numpy(mask).to(self.device, self.dtype) for site, mask in noise.items()}
        return self._model(training=True).losses(self.on_device(ids), self.on_device(targets), masks).mean()

    def step(self, ids: np.ndarray, targets: np.ndarray, noise: dict[str, np.ndarray], lr: float) -> Tensor:
        """One update; returns the batch's mean loss before it, a scalar in nats still on the device."""
        loss = self._mean_loss(ids, targets, noise)
        if self.watch is not None and not torch.isfinite(loss):  # no update, or nan would be everywhere
            return loss.detach()
        self.model.zero_grad()
        loss.backward()
        for name, p in self.named.items():
            if p.grad is None and born_at(self.born, name) >= 0:  # no objective reads it now: it fades, as in MLX
                p.grad = torch.zeros_like(p)
        self._descend(lr)
        self.model.update_router_bias()
        return loss.detach()

    def _descend(self, lr: float) -> None:
        self._restrain()
        nn.utils.clip_grad_norm_(self.named.values(), self.clip_norm)
        rates = {} if self.rates is None else self.rates.follow(lr)
        for optimizer in filter(None, (self.adamw, self.stacked)):
            for group in optimizer.param_groups:
                group["lr"] = rates.get(group["name"], lr)
            optimizer.step()
        self._confine()

    def apply(self, gradients: dict[str, np.ndarray], lr: float) -> None:
        """One clipped update from given gradients, by parameter name: the optimizer alone."""
        for name, gradient in gradients.items():
            # A copy: clipping overwrites gradients, and these are the caller's.
            self.named[name].grad = torch.tensor(gradient, dtype=self.dtype, device=self.device)
        self._descend(lr)

    def _steps(self) -> int:
        """The optimizer's steps so far."""
        return int(max((moments["step"].item() for moments in self.adamw.state.values()), default=0))

    @torch.no_grad()
    def losses(self, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """ids, targets (B, T) -> -log p(target), (B, T) float32, nats, without noise."""
        evidence = self._evidence(self.plan.evidence(ids, targets))
        losses = self._model().losses(self.on_device(ids), self.on_device(targets), {}, evidence)
        return losses.to("cpu", torch.float32).numpy()

    @torch.no_grad()
    def log_probs(self, ids: np.ndarray, positions: np.ndarray | None = None) -> np.ndarray:
        """ids (B, T) -> log p of every next id, float32, nats, (B, V) after one position of each row, positions (B,).

        Without positions (B, T, V), one position at a time, since a memory needs 20 V numbers at each.
        """
        if positions is None:
            return np.stack([self.log_probs(ids, np.full(len(ids), t)) for t in range(ids.shape[1])], axis=1)
        evidence = self._evidence(self.plan.evidence_at(ids, positions))
        log_probs = self._model().log_probs(self.on_device(ids), self.on_device(positions), evidence)
        return log_probs.to("cpu", torch.float32).numpy()

    @torch.no_grad()
    def start(self, batch: int) -> Cache:
        """The cache of texts that have not begun, for `go_on`."""
        return self.model.start(batch)

    @torch.no_grad()
    def go_on(self, cache: Cache, ids: np.ndarray, new: int) -> tuple[Cache, np.ndarray]:
        """Continue texts whose cache lacks the last `new` of ids (B, T); T is at most block_size.

        Returns the cache with them and log p of every next id, (B, V), as `log_probs` after the last position.
        """
        evidence = self._evidence(self.plan.evidence_at(ids, np.full(len(ids), ids.shape[1] - 1)))
        cache, x = self._model().step(cache, self.on_device(ids[:, -new:]))
        return cache, self.model.next_log_probs(x[:, -1], evidence).to("cpu", torch.float32).numpy()

    def _evidence(self, arrays: tuple[np.ndarray, ...]) -> tuple[Tensor, ...]:
        # Rounded before PyTorch sees it: MPS has no float64.
        return tuple(torch.from_numpy(x.astype(self.precision)).to(self.device) for x in arrays)

    @torch.no_grad()
    def draw(self, sampler, log_probs: np.ndarray, *variates: np.ndarray) -> np.ndarray:
        """log_probs (B, V), variates (B,) int64 each -> (B, 4 or more) int64: what a sampler draws."""
        logits = torch.from_numpy(log_probs).to(self.device)
        return build(sampler).draw(logits, *map(self.on_device, variates)).cpu().numpy()

    def read(self) -> dict[str, np.ndarray]:
        """The complete state by the names both backends share; the arrays are copies."""
        tensors = {f"model.{name}": p for name, p in self.model.named_parameters()}
        for name, p in self.named.items():
            optimizer, keys = self._moments(name)
            moments = optimizer.state.get(p)  # AdamW's begins with its first step
            for key, torch_key in keys.items():
                tensors[f"optimizer.{key}.{name}"] = moments[torch_key] if moments else torch.zeros_like(p)
        state = {name: value.detach().cpu().numpy().copy() for name, value in tensors.items()}
        growth = {} if self.plan.recipe.growth is None else {"growth.born": self.born.copy()}
        others = {name: x for part in self.parts for name, x in part.read().items()}
        return {"optimizer.step": np.int64(self._steps())} | growth | state | others

    def write(self, state: dict[str, np.ndarray]) -> None:
        """Put back a state that `read` of either backend returned, bit for bit. Raises ValueError for foreign names."""
        self._fit(state)
        load_parameters(self.model, {name[6:]: value for name, value in state.items() if name.startswith("model.")})
        self.born = state.get("growth.born", self.born).copy()
        self.model.skipped = frozenset(np.flatnonzero(self.born < 0).tolist())
        step = torch.tensor(float(state["optimizer.step"]), device=self.device if self.device != "cpu" else None)
        for name, p in self.named.items():
            optimizer, keys = self._moments(name)
            if born_at(self.born, name) < 0:
                optimizer.state.pop(p, None)
                continue
            optimizer.state[p] = {
                torch_key: torch.from_numpy(state[f"optimizer.{key}.{name}"]).to(p, copy=True)
                for key, torch_key in keys.items()
            }
            if optimizer is self.adamw:
                optimizer.state[p]["step"] = step - born_at(self.born, name)
        for part in self.parts:
            part.write(state)

    def _moments(self, name: str) -> tuple[torch.optim.Optimizer, dict[str, str]]:
        """(the optimizer of a parameter, {a moment's name in the checkpoint: its key in the optimizer's state})."""
        p = self.named[name]
        if not self.plan.is_hidden(name, p):
            return self.adamw, MOMENTS
        return self.stacked, {key: key for key in self.stacked.state[p]}

    def peak_memory(self) -> int:
        """Bytes: the device's peak on CUDA, what the driver holds on MPS, the process's peak on the CPU."""
        if self.device == "cuda":
            return torch.cuda.max_memory_allocated()
        if self.device == "mps":
            return torch.mps.driver_allocated_memory()
        return process_peak()
