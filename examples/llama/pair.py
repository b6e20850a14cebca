"""Two decoder blocks that the project did not write: Llama's, from `transformers` (PyTorch) and `mlx-lm` (MLX).

    h = x + Attention(RMSNorm(x))          grouped queries, rotary positions, a causal mask
    y = h + W_down(silu(W_gate z) * W_up z),   z = RMSNorm(h)

in tiny sizes and with random weights. Each is wrapped as the model of its library calls it, so that both map x of
shape (B, T, d) to y (B, T, d). Parameter names agree, as `mlx-lm` loads the checkpoints of `transformers`; the rotary
frequencies are a buffer in PyTorch and arguments of a kernel in MLX.

Source: Touvron et al., "LLaMA: open and efficient foundation language models" (2023); Su et al., "RoFormer" (2021);
Ainslie et al., "GQA: training generalized multi-query transformer models from multi-head checkpoints" (2023).
"""

from __future__ import annotations

import mlx.core as mx
import mlx.nn
import torch
from mlx_lm.models.base import create_attention_mask
from mlx_lm.models.llama import ModelArgs, TransformerBlock
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRotaryEmbedding

import parity
from examples.llama.mistakes import MISTAKES

SIZES = dict(
    hidden_size=64, intermediate_size=128, num_attention_heads=4, num_key_value_heads=2, num_hidden_layers=1,
    vocab_size=97, max_position_embeddings=128, rms_norm_eps=1e-5, attention_bias=False,
)  # fmt: skip
THETA = 10000.0  # the base of the rotary frequencies
INPUTS = (2, 16, SIZES["hidden_size"])  # (batch, positions, features)


class TorchBlock(torch.nn.Module):
    """x (B, T, d) -> (B, T, d); `sdpa` attention masks causally when it is given no mask."""

    def __init__(self):
        super().__init__()
        rope = {"rope_type": "default", "rope_theta": THETA}
        config = LlamaConfig(**SIZES, rope_parameters=rope, attn_implementation="sdpa")
        self.layer, self.rotary_emb = LlamaDecoderLayer(config, layer_idx=0), LlamaRotaryEmbedding(config)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        positions = torch.arange(x.shape[1], device=x.device)[None]
        return self.layer(x, position_embeddings=self.rotary_emb(x, positions))


class MlxBlock(mlx.nn.Module):
    """x (B, T, d) -> (B, T, d)."""

    def __init__(self):
        super().__init__()
        self.layer = TransformerBlock(ModelArgs("llama", **SIZES, rope_theta=THETA))

    def __call__(self, x: mx.array) -> mx.array:
        return self.layer(x, create_attention_mask(x))


def torch_block() -> TorchBlock:
    """PyTorch's block, built in float64: in float32 its frequencies would have seven digits."""
    with parity.in_float64(), torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return TorchBlock().eval()


def mlx_block() -> MlxBlock:
    """MLX's block. Its random weights do not matter: the harness gives it PyTorch's."""
    return MlxBlock()


def faulty_mlx_block() -> MlxBlock:
    """MLX's block with the first of `MISTAKES`: rotary pairs (2i, 2i + 1), where Llama's are (i, i + d/2)."""
    block = mlx_block()
    MISTAKES["rope interleaved"].plant(block)
    return block
