"""What a foreign module may do: write while it computes, hold buffers, return other dtypes, mask, sit on kinks."""

from __future__ import annotations

from dataclasses import dataclass

import mlx.core as mx
import mlx.nn
import numpy as np
import pytest
import torch

import parity


class MlxCache(mlx.nn.Module):
    """Adds up what it is given, beginning with ones; counts its calls."""

    def __init__(self):
        super().__init__()
        self.weight, self._sum, self._calls = mx.ones(4), mx.ones(4), 0

    def __call__(self, x):
        self._sum = self._sum + self.weight * x
        self._calls += 1
        return self._sum


class TorchCache(torch.nn.Module):
    """The same."""

    def __init__(self):
        super().__init__()
        self.weight, self.sum, self.calls = torch.nn.Parameter(torch.ones(4)), torch.ones(4), 0

    def forward(self, x):
        self.sum = self.sum.to(x.dtype)
        self.sum += self.weight * x
        self.calls += 1
        return self.sum.clone()


def test_batch_norm_in_training_is_left_as_it_was():
    ours, theirs = mlx.nn.BatchNorm(4).train(), torch.nn.BatchNorm1d(4).train()
    assert parity.check(ours, theirs, (8, 4), dtypes=("float64", "float32", "bfloat16")).or_raise()
    assert theirs.num_batches_tracked == 0 and not theirs.running_mean.any() and (theirs.running_var == 1).all()
    assert not ours.running_mean.any() and (ours.running_var == 1).all()


def test_a_cache_is_left_as_it_was_and_every_call_begins_with_it():
    ours, theirs = MlxCache(), TorchCache()
    parity.check(ours, theirs, [(4,)], batched=False).or_raise()
    assert (ours._sum == 1).all() and (theirs.sum == 1).all() and (ours._calls, theirs.calls) == (0, 0)
    theirs.sum *= 2
    assert not parity.check(ours, theirs, [(4,)], batched=False).ok, "what a module holds counts"


def test_spectral_norm_is_left_as_it_was():
    theirs = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(4, 4, bias=False)).train()
    u = theirs.parametrizations.weight[0]._u.copy_(torch.tensor([1.0, 0, 0, 0]))
    before = u.clone()
    names = {"weight": "parametrizations.weight.original"}
    assert not parity.check(mlx.nn.Linear(4, 4, bias=False), theirs, (3, 4), names=names).ok, "it is not normed"
    assert torch.equal(u, before)
    theirs(torch.ones(4))
    assert not torch.equal(u, before), "and a call does change it"


@pytest.mark.parametrize("left_out", ["running_mean", "running_var"])
def test_a_buffer_that_is_never_read_is_noticed(left_out):
    class Forgetful(torch.nn.BatchNorm1d):
        def forward(self, x):
            mean = 0 if left_out == "running_mean" else self.running_mean
            variance = 1 if left_out == "running_var" else self.running_var
            return (x - mean) / (variance + self.eps) ** 0.5 * self.weight + self.bias

    ours = mlx.nn.BatchNorm(4).eval()
    assert parity.check(ours, torch.nn.BatchNorm1d(4).eval(), (8, 4)).ok
    assert not parity.check(ours, Forgetful(4).eval(), (8, 4)).ok


def test_a_constant_of_one_side_keeps_its_value():
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("scale", torch.tensor(3.0), persistent=False)

        def forward(self, x):
            return x * self.scale

    parity.check(lambda x: x * 3, Scaled(), (2, 4)).or_raise()


def test_a_silent_promotion_is_noticed():
    findings = parity.check(lambda x: x.astype(mx.float32) * 2, lambda x: x * 2, (3, 4), dtypes=("float32", "bfloat16"))
    (verdict,) = findings.failures
    assert (
        verdict.variant == "mlx bfloat16" and "its dtype is float32, not bfloat16 as in PyTorch" in verdict.sentence()
    )
    integers = parity.check(lambda x: mx.argmax(x, -1), lambda x: x.argmax(-1), (3, 4), dtypes=("float32",))
    assert integers.ok, "MLX's indices are uint32, PyTorch's int64"
    assert not parity.check(lambda x: x > 0, lambda x: (x > 0).float(), (3, 4), dtypes=("float32",)).ok


def test_complex_outputs_have_two_parts():
    def check(ours):
        return parity.check(ours, torch.fft.fft, (3, 8), dtypes=("float32",))

    assert check(mx.fft.fft).or_raise()
    assert not check(lambda x: mx.conjugate(mx.fft.fft(x))).ok
    assert parity.check(
        mx.fft.fft, torch.fft.fft, (3, 8), dtypes=("float32",), reference=lambda p, x: np.fft.fft(x)
    ).or_raise()


def test_a_bound_that_would_excuse_zeros_cannot_tell():
    findings = parity.check(lambda x: x * 0, lambda x: (x + 4) - x - 3.999, (3, 4), dtypes=("bfloat16",))
    verdicts = [v for v in findings if v.variant.endswith("bfloat16") and v.what == "output"]
    assert all(v.limitation.startswith("cannot tell: ") for v in verdicts) and len(verdicts) == 2
    assert "could not be compared" in str(findings)


def test_nothing_to_compare_is_refused():
    with pytest.raises(parity.UsageError, match="dtypes is empty"):
        parity.check(mx.exp, torch.exp, (3, 4), dtypes=())


MASK = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], np.float32)[:, None]  # (2, 1, 4)


def mlx_attention(x, mask, seen=True):
    scores = x @ x.swapaxes(-1, -2)
    return mx.softmax(scores + (1 - mask) * -1e9 if seen else scores, -1) @ x


def torch_attention(x, mask):
    return torch.softmax(x @ x.mT + (1.0 - mask) * -1e9, -1) @ x


def test_a_padding_mask_costs_no_sharpness():
    def inputs(g):
        return g.normal(size=(2, 4, 3)), MASK

    assert parity.check(mlx_attention, torch_attention, inputs).or_raise()
    forgotten = parity.check(lambda x, mask: mlx_attention(x, mask, False), torch_attention, inputs)
    assert {"mlx float64", "mlx float32"} == {v.variant for v in forgotten.failures}


@pytest.mark.parametrize("x", [[[0.0, 1, -1, 0, 2]], [[0.0, 0, 0, 0, 0]]])
def test_the_slope_is_taken_beside_a_kink(x):
    findings = parity.check(mlx.nn.relu, torch.relu, np.array(x, np.float32)).or_raise()
    assert "close by" in next(v for v in findings if v.variant == "torch slope").derivation


def test_a_function_that_is_kinked_everywhere_tells_nothing():
    def teeth(x, relu, rounded):
        return relu(x * 2.0**25 - rounded(x * 2.0**25)) / 2.0**25  # every number of float32 is a kink

    findings = parity.check(
        lambda x: teeth(x, mlx.nn.relu, mx.round),
        lambda x: teeth(x, torch.relu, torch.round),
        lambda g: g.random((3, 4)) + 1,
    )
    slope = next(v for v in findings if v.variant == "torch slope")
    assert slope.ok and "cannot tell" in slope.limitation


def test_a_wrong_hessian_is_noticed():
    class Square(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0].detach() * g

    findings = parity.check(lambda x: x * x, lambda x: Square.apply(x), (3, 4), dtypes=("float64",))
    assert "gradient slope" in {v.variant for v in findings.failures}
    assert "torch slope" not in {v.variant for v in findings.failures}


def test_float64_that_is_single_inside_is_compared_as_single():
    weight = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)

    def ours(x, scale=1.0):
        return mx.conv_transpose1d(x, scale * mx.array(weight).astype(x.dtype))

    def theirs(x):
        filters = torch.tensor(weight).permute(2, 0, 1).to(x.dtype)
        return torch.nn.functional.conv_transpose1d(x.mT, filters).mT

    findings = parity.check(ours, theirs, (2, 5, 4)).or_raise()
    assert "MLX computes Convolution in single precision" in findings.notes[0]
    assert parity.check(mx.fft.rfft, torch.fft.rfft, (3, 8), probes=()).or_raise().notes
    assert not parity.check(lambda x: ours(x, 1 + 1e-5), theirs, (2, 5, 4)).ok
    assert not parity.check(mx.exp, lambda x: torch.exp(x) * (1 + 1e-9), (3, 4)).ok, "float64 is float64 here"


def test_a_kernel_without_float64_is_compared_as_single():
    offsets = np.array([2, 5, 8], np.int32)

    def ours(x, w):
        return mx.concatenate([x[a:b] @ w[i] for i, (a, b) in enumerate(((0, 2), (2, 5), (5, 8)))])

    def theirs(x, w):
        return torch._grouped_mm(x, w, torch.tensor(offsets))

    findings = parity.check(ours, theirs, [(8, 16), (3, 16, 16)], probes=("gradient",)).or_raise()
    assert "PyTorch computes _grouped_mm in single precision" in findings.notes[0]
    assert not parity.check(lambda x, w: ours(x, w) * (1 + 1e-5), theirs, [(8, 16), (3, 16, 16)], probes=()).ok


NO_GRADIENT = {
    "indices that depend on x": (
        lambda x: mx.take_along_axis(x, mx.argmax(x, -1, keepdims=True), -1),
        lambda x: torch.take_along_dim(x, x.argmax(-1, keepdim=True), -1),
    ),
    "no graph": (lambda x: x * 2, torch.no_grad()(lambda x: x * 2)),
    "steps": (mx.round, torch.round),
    "signs": (mx.sign, torch.sign),
    "a transform": (mx.fft.rfft, torch.fft.rfft),
}


@pytest.mark.parametrize("name", NO_GRADIENT)
def test_what_has_no_gradient_is_compared_without(name):
    ours, theirs = NO_GRADIENT[name]
    findings = parity.check(ours, theirs, (3, 8)).or_raise()
    assert {"torch float32", "mlx float32"} <= {v.variant for v in findings if v.what == "output" and not v.limitation}
    assert not parity.check(lambda x: ours(x) * 1.001, theirs, (3, 8)).ok


def test_forward_only():
    findings = parity.check(mlx.nn.relu, torch.relu, (3, 4), probes=()).or_raise()
    assert {v.what for v in findings} == {"output"}
    assert parity.check(lambda x: x * 1, lambda x: x.detach() * 1, (3, 4), probes=()).ok


@dataclass
class Answer:
    """What a model returns: numbers, a choice, and perhaps a state."""

    scores: object
    best: object
    state: object = None


def test_dataclasses_keywords_and_labels_to_be_ignored():
    labels = np.array([[1, 2, -100], [-100, 0, 3]])

    def ours(x, *, labels, scale=1.0, wrong=False):
        counted = labels != -100
        losses = mlx.nn.losses.cross_entropy(x * scale, mx.where(counted, labels, 0)) * (counted | wrong)
        return Answer(losses.sum() / counted.sum(), {"first": mx.argmax(x, -1), "large": x > 1})

    def theirs(x, *, labels, scale=1.0):
        loss = torch.nn.functional.cross_entropy(scale * x.flatten(0, 1), labels.flatten(), ignore_index=-100)
        return Answer(loss, {"first": x.argmax(-1), "large": x > 1})

    findings = parity.check(ours, theirs, (2, 3, 5), keywords={"labels": labels, "scale": 2.0}).or_raise()
    assert {"output scores", "output best.first", "output best.large"} <= {v.what for v in findings}
    given = {"labels": labels, "scale": 2.0}
    assert not parity.check(lambda x, **named: ours(x, **named, wrong=True), theirs, (2, 3, 5), keywords=given).ok
    assert not parity.check(ours, lambda x, **named: theirs(x, labels=named["labels"]), (2, 3, 5), keywords=given).ok


def test_keywords_of_modules():
    class Ours(mlx.nn.Linear):
        def __call__(self, x, mask):
            return super().__call__(x) * mask

    class Theirs(torch.nn.Linear):
        def forward(self, x, mask):
            return super().forward(x) * mask

    mask = np.array([[True], [False], [True]])
    assert parity.check(Ours(4, 4), Theirs(4, 4), (3, 4), keywords={"mask": mask}).or_raise()


def test_attention_in_a_stream_is_attention():
    def ours(q, k, v):
        """Over blocks of keys, with a running maximum and sum."""
        top, total, mixed = mx.full((*q.shape[:-1], 1), -mx.inf, dtype=q.dtype), 0, 0
        for part in range(0, k.shape[-2], 2):
            scores = q @ k[..., part : part + 2, :].swapaxes(-1, -2) / 2
            new = mx.maximum(top, scores.max(-1, keepdims=True))
            weights, shrunk = mx.exp(scores - new), mx.exp(top - new)
            total = total * shrunk + weights.sum(-1, keepdims=True)
            mixed, top = mixed * shrunk + weights @ v[..., part : part + 2, :], new
        return mixed / total

    shapes = [(2, 3, 4), (2, 5, 4), (2, 5, 4)]
    assert parity.check(ours, torch.nn.functional.scaled_dot_product_attention, shapes, probes=("gradient",)).or_raise()
