"""What the audit for Apple's GPU knows beyond the tables that the two packages ship, as records with reasons.

PyTorch's operator table and MLX's headers say most of it. What they leave out stands here: operators that are allowed
without a kernel, composites that MPS serves whole, primitives that Metal declares but refuses, and the primitives
behind `mx.fast`, whose functions take their parts' place on a GPU only.
"""

from __future__ import annotations

import mlx.core as mx
import torch.nn.functional as F

# PyTorch: operators that need no MPS kernel, and why.
ALLOWED = {
    "profiler::_record_function_enter_new": "marks the optimizer's step for the profiler; no tensor takes part",
    "profiler::_record_function_exit._RecordFunction": "ends that mark; no tensor takes part",
}

# PyTorch: functions that MPS serves whole where other devices dispatch their parts. The parts are audited as well.
WHOLE = {
    F.linear: ("aten::linear", "aten::linear_backward"),
    # Without gradients only; a training step takes the parts, aten::_scaled_dot_product_attention_math.
    F.scaled_dot_product_attention: ("aten::_scaled_dot_product_attention_math_for_mps",),
}

# MLX: declared for the GPU, but the Metal library of MLX_VERSION throws this, in the words that stand in its binary.
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
