"""A user's two training loops: the same rule passes, a slip in one of them does not."""

from __future__ import annotations

from functools import partial

import mlx.core as mx
import mlx.nn
import mlx.optimizers as mo
import numpy as np
import pytest
import torch
from mlx.utils import tree_flatten, tree_map

import parity
from parity.training_runs.optimizers import constants_moved, optimizers_in_float64
from tests.support.assertions import all_passed

INPUTS = [(8, 4), parity.integers((8,), below=3)]
RATE, DECAY, STEPS = 1e-2, 0.1, 3


def mlx_model() -> mlx.nn.Module:
    return mlx.nn.Sequential(mlx.nn.Linear(4, 6), mlx.nn.Tanh(), mlx.nn.Linear(6, 3))


def torch_model() -> torch.nn.Module:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3))


def mlx_trainer(model, make=lambda: mo.AdamW(RATE, weight_decay=DECAY, bias_correction=True), twice=False, sums=False):
    """twice: the decay is applied by hand as well. sums: gradients are added up from step to step."""
    optimizer, gradients_so_far = make(), []
    value_and_gradients = mlx.nn.value_and_grad(
        model, lambda x, y: mlx.nn.losses.cross_entropy(model(x), y, reduction="mean")
    )

    def step(x, y):
        loss, gradients = value_and_gradients(x, y)
        if twice:
            model.update(tree_map(lambda p: p * (1 - RATE * DECAY), model.parameters()))
        if sums and gradients_so_far:
            gradients = tree_map(mx.add, gradients, gradients_so_far.pop())
        gradients_so_far.append(gradients)
        optimizer.update(model, gradients)
        return loss

    return step


ADAMW = partial(torch.optim.AdamW, lr=RATE, weight_decay=DECAY)


def torch_trainer(model, make=ADAMW, zero=True):
    made = make(model.parameters())
    optimizer, scheduler = made if isinstance(made, tuple) else (made, None)

    def step(x, y):
        if zero:
            optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
        return loss.item()

    return step


NAMES = {f"layers.{i}.{key}": f"{i}.{key}" for i in (0, 2) for key in ("weight", "bias")}
check = partial(
    parity.check_training, mlx_model(), torch_model(), INPUTS, names=NAMES, steps=STEPS,
    mlx_trainer=mlx_trainer, torch_trainer=torch_trainer,
)  # fmt: skip


def test_two_loops_of_one_rule():
    ours, theirs = mlx_model(), torch_model()
    before = [np.array(x) for _, x in tree_flatten(ours.parameters())]
    result = parity.check_training(
        ours, theirs, INPUTS, names=NAMES, steps=STEPS, mlx_trainer=mlx_trainer, torch_trainer=torch_trainer
    )
    all_passed(result)
    assert not result.limitations
    assert {verdict.what for verdict in result if verdict.variant == "mlx float32"} == {
        f"loss, {STEPS} steps", *(f"{name} @{STEPS}" for name in NAMES),
    }  # fmt: skip
    assert all(np.array_equal(x, y) for x, (_, y) in zip(before, tree_flatten(ours.parameters()), strict=True))
    assert all(torch.equal(x, y) for x, y in zip(theirs.parameters(), torch_model().parameters(), strict=True))


def scheduled(parameters):
    optimizer = torch.optim.SGD(parameters, lr=RATE, momentum=0.9)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)


def test_schedules_are_float64_as_well():
    ours = partial(mlx_trainer, make=lambda: mo.SGD(mo.cosine_decay(RATE, STEPS), momentum=0.9))
    all_passed(check(mlx_trainer=ours, torch_trainer=partial(torch_trainer, make=scheduled)))


SLIPS = {
    "a missing zero_grad": dict(torch_trainer=partial(torch_trainer, zero=False)),
    "gradients that add up in MLX": dict(mlx_trainer=partial(mlx_trainer, sums=True)),
    "a decay applied twice": dict(mlx_trainer=partial(mlx_trainer, twice=True)),
    "no bias correction": dict(mlx_trainer=partial(mlx_trainer, make=lambda: mo.AdamW(RATE, weight_decay=DECAY))),
    "decay in the gradient": dict(
        torch_trainer=partial(torch_trainer, make=partial(torch.optim.Adam, lr=RATE, weight_decay=DECAY))
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_seen(slip):
    result = check(**SLIPS[slip])
    assert {"mlx float64", "mlx float32"} == {verdict.variant for verdict in result.failures}
    assert f"loss, {STEPS} steps" in {verdict.what for verdict in result.failures}


def test_float64_sees_a_rate_that_is_slightly_off():
    slightly = partial(mlx_trainer, make=lambda: mo.AdamW(RATE * (1 + 1e-7), weight_decay=DECAY, bias_correction=True))
    result = check(mlx_trainer=slightly)
    assert {verdict.variant for verdict in result.failures} == {"mlx float64"}
    assert result.notes and result.sentences()[-1].startswith("note: only float64 failed")


class Shifted(torch.nn.Module):
    """A bias that the loss does not see: softmax cancels it."""

    def __init__(self):
        super().__init__()
        self.layer, self.shift = torch.nn.Linear(4, 3), torch.nn.Parameter(torch.tensor([0.5]))

    def forward(self, x):
        return self.layer(x) + self.shift


class MlxShifted(mlx.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.shift = mlx.nn.Linear(4, 3), mx.array([0.5])

    def __call__(self, x):
        return self.layer(x) + self.shift


def test_a_parameter_that_rounding_moves_is_not_compared_but_a_decay_of_it_is():
    pair = dict(mlx_trainer=mlx_trainer, torch_trainer=torch_trainer, steps=STEPS)
    frozen = partial(mlx_trainer, make=lambda: mo.SGD(RATE, weight_decay=0.0))
    plain = partial(torch_trainer, make=partial(torch.optim.SGD, lr=RATE))
    all_passed(
        parity.check_training(MlxShifted(), Shifted(), INPUTS, **pair | dict(mlx_trainer=frozen, torch_trainer=plain))
    )
    decayed = partial(mlx_trainer, make=lambda: mo.SGD(RATE, weight_decay=0.1))
    result = parity.check_training(
        MlxShifted(), Shifted(), INPUTS, **pair | dict(mlx_trainer=decayed, torch_trainer=plain)
    )
    assert f"shift @{STEPS}" in {verdict.what for verdict in result.failures if verdict.variant == "mlx float64"}


def test_mlx_s_optimizers_are_restored():
    before = {name: vars(mo.Optimizer)[name] for name in ("apply_gradients", "_maybe_schedule", "learning_rate")}
    with optimizers_in_float64():
        assert mo.SGD(0.1).learning_rate.dtype == mx.float64
        optimizer = mo.SGD(0.1)
        optimizer.learning_rate = 0.2
        assert optimizer.learning_rate.item() == 0.2
        gradients = {"w": mx.array([1.0])}
        assert optimizer.apply_gradients(gradients, gradients)["w"].dtype == mx.float32
    assert {name: vars(mo.Optimizer)[name] for name in before} == before
    assert mo.SGD(0.1).learning_rate.dtype == mx.float32


def test_controls_move_the_constants_of_an_optimizer_once():
    def group(steps: int) -> dict:
        weight = torch.nn.Parameter(torch.ones(2))
        weight.grad = torch.ones(2)
        optimizer = torch.optim.AdamW([weight], lr=RATE)
        for _ in range(steps):
            optimizer.step()
        return {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}

    before = group(1)
    with constants_moved("float32", np.random.default_rng(0)):
        once = group(1)
    with constants_moved("float32", np.random.default_rng(0)):
        assert group(2) == once
    assert group(1) == before
    for key in ("lr", "eps", "weight_decay"):
        assert 0 < abs(once[key] / before[key] - 1) < 2**-22, key
    assert all(0 < abs(new / old - 1) < 2**-22 for new, old in zip(once["betas"], before["betas"], strict=True))
    assert once["amsgrad"] is False


def noisy(model):
    def step(x, y):
        return model(x + torch.randn_like(x)).mean()

    return step


OUTSIDE = mo.SGD(1e-2, momentum=0.9)
USES = {
    "one step": (dict(steps=1), "steps is 1"),
    "no step": (dict(mlx_trainer=lambda model: None), "mlx_trainer must return a step"),
    "losses of a batch": (dict(torch_trainer=lambda model: lambda x, y: model(x)), "a single number, not an array of"),
    "noise": (dict(torch_trainer=noisy), "PyTorch gives different losses from the same start"),
    "an optimizer from outside": (
        dict(mlx_trainer=partial(mlx_trainer, make=lambda: OUTSIDE), dtypes="float32"),
        "MLX gives different losses from the same start: .* inside the trainer",
    ),
    "a rate too large": (
        dict(torch_trainer=partial(torch_trainer, make=partial(torch.optim.SGD, lr=1e38)), dtypes="float32"),
        "loss is (inf|nan) at step",
    ),
    "half precision": (dict(dtypes="bfloat16"), "no precision 'bfloat16': choose from float64, float32"),
    "a loop that fails": (dict(torch_trainer=lambda model: lambda x, y: model(y)), "PyTorch's loop does not run"),
}  # fmt: skip


@pytest.mark.parametrize("use", USES)
def test_wrong_use_is_one_sentence(use):
    options, words = USES[use]
    with pytest.raises(parity.UsageError, match=words) as raised:
        check(**options)
    assert "\n" not in str(raised.value)
