"""What a PyTorch trainer says of its model alone, without noise or memory, and what restrains it by a first text."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from torch_ref.registry import build


def retain_of(plan, device: str, dtype: torch.dtype) -> nn.Module | None:
    """What restrains the plan's training (`lyceum.personas.model.retain`), if a first text does."""
    retain = plan.modules.get("retain")
    return None if retain is None else build(retain).to(device, dtype)


class Alone:
    """Methods of a trainer."""

    def gradients(self, ids: np.ndarray, targets: np.ndarray, weight: np.ndarray) -> dict[str, np.ndarray]:
        """The gradient of the sum of weight * log p(target), all (B, T), by parameter."""
        losses = self._model(training=True).losses(self.on_device(ids), self.on_device(targets), {})
        weight = -torch.from_numpy(weight).to(losses)
        gradients = torch.autograd.grad(losses, [*self.named.values()], weight, materialize_grads=True)
        return {name: g.cpu().numpy() for name, g in zip(self.named, gradients, strict=True)}

    @torch.no_grad()
    def laws(self, ids: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """ids (B, T), positions (n,) -> log p of every next id after them, (B, n, V) float32, nats."""
        x = self._model().hidden(self.on_device(ids), {})[:, self.on_device(positions)]
        return self.model.next_log_probs(x, ()).to("cpu", torch.float32).numpy()

    @torch.no_grad()
    def uncertainty(self, ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> what a memory's gate reads of the model, (B, T, 3) float32, nats."""
        return self._model().uncertainty(self.on_device(ids)).to("cpu", torch.float32).numpy()

    def _restrain(self) -> None:
        """The gradients become what a first text leaves of them, if there is one."""
        if self.retain:
            gradients = {name: p.grad for name, p in self.named.items() if p.grad is not None}
            for name, gradient in self.retain.restrain(gradients, self.named).items():
                self.named[name].grad = gradient

    @torch.no_grad()
    def _confine(self) -> None:
        """The parameters become what a first text leaves of them, if it confines them."""
        if hasattr(self.retain, "confine"):
            for name, value in self.retain.confine(self.named).items():
                self.named[name].copy_(value)
