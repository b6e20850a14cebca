"""Any pair of optimizers: which agree, which differ and where, what the check does not change and what it refuses."""

from __future__ import annotations

from functools import partial

import mlx.core as mx
import mlx.optimizers as mo
import numpy as np
import pytest
import torch
import torch.optim as to

from lyceum.contract import UsageError
from parity.optimizers.check import check_optimizer, conditioned, finite
from tests.support.assertions import all_passed

HEAVY = dict(momentum=0.9, nesterov=True, weight_decay=0.01)
FLAT = {"matrix": (6, 4), "wide": (3, 8)}
FEW = {"matrix": (6, 4), "vector": (9,)}
check = partial(check_optimizer, steps=6, shapes=FEW)


def made(optimizer: type, **options):
    """PyTorch's optimizer as a function of the parameters."""
    return lambda parameters: optimizer(parameters, **options)


def adamw(lr: float = 1e-3, **options) -> mo.AdamW:
    return mo.AdamW(lr, **{"bias_correction": True} | options)


def failures(verdicts) -> dict[str, set[str]]:
    """What failed, by variant."""
    by_variant = {}
    for verdict in verdicts:
        if not verdict.ok:
            by_variant.setdefault(verdict.variant, set()).add(verdict.what)
    return by_variant


AGREE = {
    "SGD": (mo.SGD(1e-2), made(to.SGD, lr=1e-2)),
    "SGD, momentum": (mo.SGD(1e-2, momentum=0.9), made(to.SGD, lr=1e-2, momentum=0.9)),
    "SGD, Nesterov, decay": (mo.SGD(1e-2, **HEAVY), made(to.SGD, lr=1e-2, **HEAVY)),
    "Adam": (mo.Adam(1e-3, bias_correction=True), made(to.Adam, lr=1e-3)),
    "AdamW": (adamw(), made(to.AdamW, lr=1e-3)),
    "AdamW, other constants": (
        adamw(0.1, betas=[0.8, 0.95], eps=1e-5, weight_decay=2.0),
        made(to.AdamW, lr=0.1, betas=(0.8, 0.95), eps=1e-5, weight_decay=2.0),
    ),
    "AdamW, foreach": (adamw(), made(to.AdamW, lr=1e-3, foreach=True)),
    "AdamW, fused": (adamw(), made(to.AdamW, lr=1e-3, fused=True)),
    "RMSprop": (mo.RMSprop(1e-3), made(to.RMSprop, lr=1e-3)),
    "Adagrad, eps": (mo.Adagrad(1e-2), made(to.Adagrad, lr=1e-2, eps=1e-8)),
    "AdaDelta": (mo.AdaDelta(1.0), made(to.Adadelta)),
}


@pytest.mark.parametrize("name", AGREE)
def test_pairs_that_take_the_same_steps(name):
    verdicts = all_passed(check(*AGREE[name]))
    assert not [verdict for verdict in verdicts if verdict.limitation]
    variants = {"bound float64", "torch float64", "mlx float64", "torch float32", "mlx float32"}
    assert {verdict.variant for verdict in verdicts} == variants
    compared = {verdict.what.partition(" @")[0] for verdict in verdicts if verdict.variant == "mlx float64"}
    assert compared == {verdict.what.partition(" @")[0] for verdict in verdicts if verdict.variant == "torch float64"}


def test_fifty_steps_of_every_shape():
    verdicts = all_passed(check_optimizer(*AGREE["SGD, momentum"]))
    assert {verdict.what.partition(" @")[0] for verdict in verdicts} > {"matrix", "wide", "vector", "scalar"}


def test_fifty_steps_with_a_clip():
    verdicts = all_passed(check_optimizer(*AGREE["AdamW"], clip_norm=1.0, shapes=FEW))
    assert {verdict.what for verdict in verdicts if verdict.what.startswith("matrix @")} == {
        "matrix @1", "matrix @2", "matrix @50",
    }  # fmt: skip


# Pairs whose defaults differ, and where that shows first.
DIFFER = {
    "Adam without bias correction": (mo.Adam(1e-3), made(to.Adam, lr=1e-3), "vector @1"),
    "AdamW without bias correction": (mo.AdamW(1e-3), made(to.AdamW, lr=1e-3), "vector @1"),
    "decay in the gradient": (adamw(), made(to.Adam, lr=1e-3, weight_decay=0.01), "vector.exp_avg @1"),
    "Adagrad's default eps": (mo.Adagrad(1e-2), made(to.Adagrad, lr=1e-2), "matrix @1"),
    "AdaDelta's default rate": (mo.AdaDelta(1e-3), made(to.Adadelta), "matrix @1"),
    "Adamax's bias correction": (mo.Adamax(1e-3), made(to.Adamax, lr=1e-3), "vector @1"),
    "dampening of the first step": (
        mo.SGD(1e-2, momentum=0.9, dampening=0.5),
        made(to.SGD, lr=1e-2, momentum=0.9, dampening=0.5),
        "vector.momentum_buffer @1",
    ),
    "a centred RMSprop": (mo.RMSprop(1e-3), made(to.RMSprop, lr=1e-3, centered=True), "matrix @1"),
    "momentum forgotten": (mo.SGD(1e-2), made(to.SGD, lr=1e-2, momentum=0.9), "vector @2"),
}


@pytest.mark.parametrize("name", DIFFER)
def test_pairs_that_do_not(name):
    mlx, torch_, first = DIFFER[name]
    failed = failures(check(mlx, torch_))
    assert failed.keys() == {"mlx float64", "mlx float32"}
    assert all(first in what for what in failed.values())


@pytest.mark.parametrize(
    ("mlx", "options"),
    [
        (adamw(), dict(lr=1e-3 * (1 + 1e-6))),
        (adamw(), dict(lr=1e-3, eps=1.01e-8)),
        (adamw(), dict(lr=1e-3, betas=(0.9, 0.999001))),
        (adamw(), dict(lr=1e-3, weight_decay=0.0100001)),
    ],
)
def test_float64_sees_a_constant_that_is_slightly_off(mlx, options):
    assert "mlx float64" in failures(check(mlx, made(to.AdamW, **options)))


def by_rank(parameters):
    matrices, others = [p for p in parameters if p.ndim >= 2], [p for p in parameters if p.ndim < 2]
    return to.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], lr=1e-3)


def test_decay_by_group_and_the_decay_of_everything():
    pair = mo.MultiOptimizer([adamw(weight_decay=0.1), adamw(weight_decay=0.0)], [lambda name, p: p.ndim >= 2])
    all_passed(check(pair, by_rank))
    failed = failures(check(adamw(weight_decay=0.1), by_rank))
    assert {what.partition(" ")[0] for what in failed["mlx float64"]} == {"vector"}


def precise(grad, coefficients, steps, eps):
    """PyTorch's Newton-Schulz iteration without its bfloat16, and with eps beside the norm, as MLX has it."""
    a, b, c = coefficients
    x = grad.T if grad.size(0) > grad.size(1) else grad
    x = x / (x.norm() + eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if grad.size(0) > grad.size(1) else x


def test_muon_differs_in_precision_and_in_decay(monkeypatch):
    undecayed = mo.Muon(1e-2, weight_decay=0.0), made(to.Muon, lr=1e-2, weight_decay=0.0)
    decayed = mo.Muon(1e-2, weight_decay=0.1), made(to.Muon, lr=1e-2, weight_decay=0.1)
    # bfloat16: parameters differ from the first step, though the momentum agrees.
    failed = failures(check(*undecayed, shapes=FLAT))
    assert failed.keys() == {"mlx float64", "mlx float32"}
    assert failed["mlx float64"] == {f"{name} @{t}" for name in FLAT for t in (1, 2, 6)}
    # The decay: in MLX it enters the momentum.
    assert "matrix.momentum_buffer @1" in failures(check(*decayed, shapes=FLAT))["mlx float64"]
    monkeypatch.setattr(torch.optim._muon, "_zeropower_via_newtonschulz", precise)
    all_passed(check(*undecayed, shapes=FLAT))
    assert "matrix.momentum_buffer @1" in failures(check(*decayed, shapes=FLAT))["mlx float64"]


def test_adafactor_s_default_eps_depends_on_pytorch_s_precision():
    failed = failures(check(mo.Adafactor(), made(to.Adafactor)))
    assert "torch float32" in failed


def test_state_of_one_library_only_is_a_limitation():
    verdicts = check(mo.Adam(1e-3, bias_correction=True), made(to.Adam, lr=1e-3, amsgrad=True))
    alone = {verdict.what: verdict.limitation for verdict in verdicts if verdict.limitation}
    assert alone.keys() == {f"{name}.max_exp_avg_sq" for name in FEW}
    assert set(alone.values()) == {"MLX stores nothing that corresponds to it"}


class Heavy(mo.Optimizer):
    """Momentum, written by a user who took PyTorch's name for the state."""

    def __init__(self, factor: float = 1.0):
        super().__init__()
        self.factor = factor

    def init_single(self, parameter, state):
        state["momentum_buffer"] = mx.zeros_like(parameter)

    def apply_single(self, gradient, parameter, state):
        state["momentum_buffer"] = 0.9 * state["momentum_buffer"] + self.factor * gradient
        return parameter - 0.01 * state["momentum_buffer"]


def test_a_user_s_optimizer():
    theirs, named = made(to.SGD, lr=1e-2, momentum=0.9), {"layers.0.weight": (2, 3), "layers.1.weight": (2,)}
    verdicts = all_passed(check(Heavy(), theirs, shapes=named))
    assert "layers.1.weight.momentum_buffer @6" in {
        verdict.what for verdict in verdicts if verdict.variant == "mlx float64"
    }
    failed = failures(check(Heavy(float("nan")), theirs, shapes=named))
    assert failed.keys() == {"mlx float64", "mlx float32"}


@pytest.mark.parametrize("rate", [3e-3, lambda t: 1e-2 / (1 + t)])
def test_one_learning_rate_for_both(rate):
    all_passed(check(adamw(1.0), made(to.AdamW, lr=7.0), learning_rate=rate))


def halved_each_step(parameters, late: int = 0):
    optimizer = to.SGD(parameters, lr=0.1)
    return optimizer, to.lr_scheduler.LambdaLR(optimizer, lambda t: 0.5 ** max(0, t - late))


def test_schedules_of_either_library():
    all_passed(check(mo.SGD(mo.exponential_decay(0.1, 0.5)), halved_each_step))
    failed = failures(check(mo.SGD(mo.exponential_decay(0.1, 0.5)), partial(halved_each_step, late=1)))
    assert "matrix @2" in failed["mlx float64"] and "matrix @1" not in failed["mlx float64"]


def test_a_cosine_schedule_is_exact_in_float64():
    def cosine(parameters):
        optimizer = to.SGD(parameters, lr=0.1)
        return optimizer, to.lr_scheduler.CosineAnnealingLR(optimizer, 6)

    all_passed(check(mo.SGD(mo.cosine_decay(0.1, 6)), cosine))


def test_clip_norms_that_differ_are_seen():
    def clipping(parameters):
        def clip(*_) -> None:
            torch.nn.utils.clip_grad_norm_(parameters, 0.5, foreach=False)

        optimizer = to.SGD(parameters, lr=1e-2)
        optimizer.register_step_pre_hook(clip)
        return optimizer

    assert "mlx float64" in failures(check(mo.SGD(1e-2), clipping, clip_norm=1.0))


def test_a_parameter_without_a_gradient():
    failed = failures(check(*AGREE["AdamW"], absent="zero"))
    assert failed["mlx float64"] == {f"matrix{state} @{t}" for state in ("", ".exp_avg", ".exp_avg_sq") for t in (2, 6)}
    verdicts = check(*AGREE["AdamW"], absent="nothing")
    assert failures(verdicts)["mlx float64"] == {"matrix @6"}
    words = {verdict.what: verdict.derivation for verdict in verdicts}
    assert "does not count a step" in words["matrix @6"] and "does not count" not in words["matrix @1"]
    assert "does not count" not in words["vector @6"]
    # Without decay and momentum a gradient of zeros is as good as none.
    all_passed(check(*AGREE["SGD"], absent="zero"))
    all_passed(check(*AGREE["SGD, momentum"], absent="nothing", shapes={"only": (5,)}))


def test_the_optimizer_and_pytorch_s_defaults_are_left_alone():
    mlx = adamw()
    mlx.init({"mine": mx.ones(3)})
    all_passed(check(mlx, made(to.AdamW, lr=1e-3), steps=2))
    assert mlx.state.keys() == {"step", "learning_rate", "mine"} and mlx.step.item() == 0
    assert mlx.learning_rate.dtype == mx.float32
    assert torch.get_default_dtype() == torch.float32


def taken() -> mo.Optimizer:
    mlx = mo.SGD(1e-2)
    mlx.apply_gradients({"w": mx.ones(2)}, {"w": mx.ones(2)})
    return mlx


SGD = made(to.SGD, lr=1e-2)


@pytest.mark.parametrize(
    ("mlx", "torch_", "options", "words"),
    [
        (to.SGD([torch.ones(2)]), SGD, {}, "mlx must be an optimizer"),
        (mo.SGD, SGD, {}, "not the class SGD"),
        (taken(), SGD, {}, "has taken 1 steps"),
        (mo.SGD(1e-2), to.SGD([torch.ones(2)], lr=1e-2), {}, "must be a function of the parameters"),
        (mo.SGD(1e-2), lambda parameters: None, {}, "must return a torch.optim.Optimizer"),
        (mo.SGD(1e-2), lambda parameters: to.SGD(parameters[:1]), {}, "every parameter"),
        (mo.SGD(1e-2), made(to.LBFGS), {}, "LBFGS evaluates the loss"),
        (mo.Muon(1e-2), made(to.Muon), {}, "vector (9,)"),
        (mo.SGD(1e-2), SGD, {"steps": 0}, "steps is 0"),
        (mo.SGD(1e-2), SGD, {"steps": 2.5}, "steps is 2.5"),
        (mo.SGD(1e-2), SGD, {"shapes": {}}, "shapes is {}"),
        (mo.SGD(1e-2), SGD, {"shapes": [(2, 3)]}, "shapes is [(2, 3)]"),
        (mo.SGD(1e-2), SGD, {"learning_rate": float("nan")}, "learning_rate is nan"),
        (mo.SGD(1e-2), SGD, {"learning_rate": "fast"}, "learning_rate is 'fast'"),
        (mo.SGD(1e-2), SGD, {"absent": "none"}, "absent is 'none'"),
        (mo.SGD(1e-2), made(to.SGD, lr=1e308, momentum=0.9), {}, "holds NaN or infinity"),
    ],
)
def test_wrong_use_is_one_sentence(mlx, torch_, options, words):
    with pytest.raises(UsageError) as caught:
        check(mlx, torch_, **options)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_conditions_and_ends():
    oracle = {("a", "", 1): np.array([1.0, 2.0])}
    assert all(v.ok for v in conditioned("case", oracle, {("a", "", 1): 1e-3}))
    assert not any(v.ok for v in conditioned("case", oracle, {("a", "", 1): 1.0}))
    with pytest.raises(UsageError):
        finite("case", {("a", "", 1): np.array([np.inf])})
