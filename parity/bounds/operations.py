"""How PyTorch's elementary operations round: the tables behind `parity.bounds.rounding`.

Each operation of ATen is in one of five classes. EXACT ones move, compare or select numbers. ADDITIONS have two terms,
SUMS have many (the sums of products too: matrix products, convolutions, the scattered sum that is an embedding's
gradient). DECOMPOSED ones round many times inside and are taken apart first. All others round their result once.

An operation that is missing here is taken for one that rounds once: a bound may then be too tight, never too loose.
Known to be missing: average pools and products of many factors.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch._decomp import get_decompositions

aten = torch.ops.aten
# PyTorch counts these as elementary, but they round many times inside.
COMPOUND = (
    "native_layer_norm native_layer_norm_backward _fused_rms_norm _fused_rms_norm_backward native_group_norm "
    "native_group_norm_backward native_batch_norm _native_batch_norm_legit native_batch_norm_backward "
    "_softmax _softmax_backward_data _log_softmax _log_softmax_backward_data logsumexp logaddexp "
    "gelu gelu_backward silu silu_backward elu elu_backward mish mish_backward glu glu_backward "
    "sigmoid_backward tanh_backward softplus softplus_backward log_sigmoid_forward log_sigmoid_backward "
    "linalg_vector_norm lerp addcmul addcdiv mse_loss mse_loss_backward huber_loss huber_loss_backward smooth_l1_loss "
    "smooth_l1_loss_backward nll_loss_forward binary_cross_entropy binary_cross_entropy_backward"
).split()


def _mean(
    x: Tensor, dim: list[int] | None = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Tensor:
    total = x.sum(dim, keepdim, dtype=dtype)
    return total / (x.numel() / total.numel())


def _var_mean(x: Tensor, dim: list[int] | None = None, *, correction: float | None = None, keepdim: bool = False):
    middle = _mean(x, dim, True)
    total, terms = (x - middle).square().sum(dim, keepdim), x.numel() / middle.numel()
    return total / (terms - (1 if correction is None else correction)), middle.view_as(total)


def _var(*args, **kwargs) -> Tensor:
    return _var_mean(*args, **kwargs)[0]


# PyTorch decomposes means and variances no further than to primitives that sum inside.
MOMENTS = {
    aten.mean.default: _mean,
    aten.mean.dim: _mean,
    aten.var.correction: _var,
    aten.var_mean.correction: _var_mean,
    aten.std.correction: lambda *args, **kwargs: _var(*args, **kwargs).sqrt(),
}
DECOMPOSED = get_decompositions([getattr(aten, name) for name in COMPOUND]) | MOMENTS
SUMS = {
    getattr(aten, name)
    for name in (
        "sum cumsum mm bmm addmm baddbmm mv addmv dot vdot convolution convolution_backward embedding_dense_backward "
        "index_put index_put_ _index_put_impl_ index_add index_add_ scatter_add scatter_add_"
    ).split()
}
# Products whose sums have as many terms as their left operand has columns: its index among the arguments, which is 1
# where a first one is added to each sum.
PRODUCTS = {aten.mm: 0, aten.bmm: 0, aten.mv: 0, aten.addmm: 1, aten.baddbmm: 1, aten.addmv: 1}
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
        "new_empty _local_scalar_dense scatter set_ flip floor_divide bitwise_and argmax zero to isfinite sgn "
        "floor ceil round trunc clamp topk"
    ).split()
}
