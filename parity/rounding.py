"""How far may rounding carry a computation? Measured by computing it with random rounding, not guessed.

Model. An operation in a precision with unit roundoff u returns each element with an independent relative error,
uniform in [-u, u]. A sum S of n terms x_i, or of products, rounds n partial sums of size up to
max(|S|, sqrt(sum x_i^2)) (terms of one sign, terms that cancel), and errors of mean zero add up like a random walk: it
is off by up to u sqrt(n) max(|S|, sqrt(sum x_i^2)), the probabilistic bound (Higham & Mary 2019). A sum or difference
a + b is off by up to u (|a| + |b|): a fused kernel may well round its terms apart, as LayerNorm does, which computes
x r - m r for (x - m) r. Moving data about (views, gathers, masks) rounds nothing.

Method (Monte Carlo arithmetic; Parker 1997, Stott Parker & Pierce 2000). PyTorch runs the very computation in float64,
and a dispatch mode adds such an error after every ATen operation, forward and backward. Operations that would do many
roundings inside (norms, softmax, gelu, fused attention) are first decomposed into elementary ones, since an error must
be free to grow inside them. u is 2^-24 whatever the precision in question: float64 leaves room for the noise, and the
response is linear in u, so it is rescaled. The greatest change of each tensor over a few samples is its `spread`.

    bound = MARGIN * spread * (u / 2^-24)

MARGIN = 8 is the product of two factors: 4, because elementary functions of the frameworks are accurate to about two
units in the last place where the model grants half a unit; and 2, because another order of summation and the greatest
of many errors may exceed what a few samples showed. A tensor that is only moved about gets the bound 0: it must agree
bit for bit. A defect of a formula or of a layer exceeds the bound by orders of magnitude; a TF32 product by 2^13 / 8.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import torch
from torch import Tensor
from torch._decomp import core_aten_decompositions, get_decompositions
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

MARGIN = 8.0
SAMPLES = 6
UNIT = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}

aten = torch.ops.aten
# PyTorch counts these as elementary, but they round many times inside.
COMPOUND = (
    "native_layer_norm native_layer_norm_backward _fused_rms_norm native_group_norm native_group_norm_backward "
    "_softmax _softmax_backward_data _log_softmax _log_softmax_backward_data logsumexp var_mean var std "
    "gelu gelu_backward silu silu_backward sigmoid_backward tanh_backward softplus softplus_backward "
    "linalg_vector_norm"
).split()
DECOMPOSED = core_aten_decompositions() | get_decompositions([getattr(aten, name) for name in COMPOUND])
PRODUCTS = {aten.mm.default: 0, aten.bmm.default: 0, aten.addmm.default: 1}
SUMS = {aten.sum.default, aten.sum.dim_IntList, aten.mean.default, aten.mean.dim}
ADDITIONS = {aten.add, aten.add_, aten.sub, aten.sub_, aten.rsub}
# Data is moved, compared or selected, never rounded.
EXACT = {
    getattr(aten, name)
    for name in (
        "view _unsafe_view reshape expand permute transpose t unsqueeze squeeze slice select split split_with_sizes "
        "clone copy_ detach detach_ alias unbind cat stack index index_select gather embedding where neg abs relu amax "
        "amin max min maximum minimum eq ne lt le gt ge logical_not logical_and bitwise_not scalar_tensor full "
        "full_like zeros zeros_like ones ones_like new_zeros new_full empty empty_like arange tril triu fill_ zero_ "
        "select_backward slice_backward lift_fresh _to_copy as_strided unfold constant_pad_nd masked_fill sign "
        "new_empty _local_scalar_dense scatter set_ flip floor_divide bitwise_and argmax zero to isfinite sgn"
    ).split()
}


class RandomRounding(TorchDispatchMode):
    """Adds random rounding errors of unit roundoff `unit` to every floating result, from a seeded generator."""

    def __init__(self, unit: float, seed: int):
        super().__init__()
        self.unit = unit
        self.generator = torch.Generator().manual_seed(seed)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in DECOMPOSED:
            with self:
                outcome = DECOMPOSED[func](*args, **kwargs)
            if outcome is not NotImplemented:
                return outcome
        if func.overloadpacket in EXACT:
            return func(*args, **kwargs)
        # Before the call, which may overwrite its operands.
        terms = self._terms(func, args)
        outcome = func(*args, **kwargs)
        return tree_map(lambda x: self._rounded(x, terms, func) if isinstance(x, Tensor) else x, outcome)

    def _terms(self, func, args) -> tuple[Tensor, float] | None:
        """(the size of the terms behind each element, how many roundings add up); None: the element itself, once."""
        if func.overloadpacket in ADDITIONS:
            return sum(abs(operand) for operand in args[:2]), 1.0
        if func in PRODUCTS:
            left, right = args[PRODUCTS[func] :][:2]
            return torch.matmul(left**2, right**2).sqrt_(), float(left.shape[-1])
        if func in SUMS:
            axes, kept = (args[1] if len(args) > 1 else None), (args[2] if len(args) > 2 else False)
            squares = (args[0] ** 2).sum(axes, kept) if axes else (args[0] ** 2).sum()
            terms = args[0].numel() / max(1, squares.numel())
            return squares.sqrt_() / (terms if func.overloadpacket is aten.mean else 1), terms
        return None

    def _rounded(self, x: Tensor, terms: tuple[Tensor, float] | None, func) -> Tensor:
        # Forward mode hands on zeros that have no memory.
        if not x.is_floating_point() or x.numel() == 0 or x._is_zerotensor():
            return x
        size, count = terms or (x.abs(), 1.0)
        error = torch.rand(x.shape, generator=self.generator, dtype=x.dtype).mul_(2).sub_(1)
        error = error * torch.maximum(x.abs(), size) * (self.unit * count**0.5)
        error = torch.where(torch.isfinite(x), error, 0)
        return x.add_(error) if func._schema.is_mutable else x + error


def spreads(
    compute: Callable[[], dict[Hashable, Tensor]], unit: float = UNIT["float32"], samples: int = SAMPLES
) -> dict[Hashable, float]:
    """The greatest change of each tensor that `compute` returns (float64), under rounding at `unit`, scaled to 2^-24.

    compute must do everything anew on each call, backward pass included, and be deterministic.
    """
    with sdpa_kernel(SDPBackend.MATH):
        exact = compute()
        worst = dict.fromkeys(exact, 0.0)
        for seed in range(samples):
            with RandomRounding(unit, seed):
                rounded = compute()
            for name, value in rounded.items():
                change = torch.where(torch.isfinite(exact[name]), value - exact[name], 0)
                worst[name] = max(worst[name], change.abs().max().item() if change.numel() else 0.0)
    return {name: change * (UNIT["float32"] / unit) for name, change in worst.items()}


def allowance(spread: float, dtype: str) -> tuple[float, str]:
    """(bound, how it came about) for a tensor of this spread, in a precision of UNIT."""
    words = f"{MARGIN:g} x the spread under random rounding at u = {UNIT[dtype]:.2g}"
    return MARGIN * spread * UNIT[dtype] / UNIT["float32"], words
