"""What the tables of the two packages do not say about Apple's GPU, as records with reasons.

They leave out four things: operators that need no kernel, composites that MPS computes in one kernel, primitives that
Metal declares but refuses, and the fused primitives of `mx.fast`, which replace their parts on a GPU only.
"""

from __future__ import annotations

import mlx.core as mx
import torch.nn.functional as F

# PyTorch: operators that need no MPS kernel, and why.
ALLOWED = {
    "profiler::_record_function_enter_new": "marks the optimizer's step for the profiler; no tensor takes part",
    "profiler::_record_function_exit._RecordFunction": "ends that mark; no tensor takes part",
}

# PyTorch: functions for which MPS has one kernel where other devices dispatch their parts, which are audited too.
UNDIVIDED = {
    F.linear: ("aten::linear", "aten::linear_backward"),
    # Without gradients only; a training step takes the parts, aten::_scaled_dot_product_attention_math.
    F.scaled_dot_product_attention: ("aten::_scaled_dot_product_attention_math_for_mps",),
}

# MLX: declared for the GPU, but the Metal library of MLX_VERSION throws this, in the words of its binary.
MLX_VERSION = "0.32.4"
REFUSED = {
    "Cholesky": "Metal Cholesky decomposition NYI",
    "Eig": "Metal Eig NYI",
    "Eigh": "Metal Eigh NYI",
    "Inverse": "Metal inversion NYI",
    "LUF": "Metal LU factorization NYI",
    "Load": "Not implemented",
    "QRF": "Metal QR factorization NYI",
    "SVD": "Metal SVD NYI",
}

# MLX: the primitives of a fused function, forward and backward. On a CPU their parts are traced, and audited as well.
FUSED = {
    mx.fast.cross_entropy: ("CrossEntropy", "CrossEntropyVJP"),
    mx.fast.layer_norm: ("LayerNorm", "LayerNormVJP"),
    mx.fast.rms_norm: ("RMSNorm", "RMSNormVJP"),
    mx.fast.rope: ("RoPE",),
    mx.fast.scaled_dot_product_attention: ("ScaledDotProductAttention", "ScaledDotProductAttentionVJP"),
}
