"""Mistakes that people make in a port of Llama's block, each with the submodule that then computes differently.

They are planted in an MLX block that was right. A rotary embedding has no counterpart among PyTorch's submodules, so a
mistake in it shows in the attention that contains it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mlx.core as mx
from mlx import nn
from mlx_lm.models.llama import MLP, Attention, TransformerBlock


@dataclass(frozen=True)
class Mistake:
    """path: the submodule that computes differently. plant: makes the mistake in a block, which it changes."""

    path: str
    plant: Callable[[nn.Module], None]


class GeluMlp(MLP):
    """Another activation."""

    def __call__(self, x):
        return self.down_proj(nn.gelu(self.gate_proj(x)) * self.up_proj(x))


class SwappedMlp(MLP):
    """Activates the wrong one of the two projections."""

    def __call__(self, x):
        return self.down_proj(nn.silu(self.up_proj(x)) * self.gate_proj(x))


class TiledAttention(Attention):
    """Copies the key and value heads as 0 1 0 1; grouped queries need 0 0 1 1."""

    def __call__(self, x, mask=None, cache=None):
        heads = (x.shape[0], x.shape[1], -1, self.head_dim)
        q, k, v = (p(x).reshape(heads).swapaxes(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        k, v = (mx.tile(y, (1, self.n_heads // self.n_kv_heads, 1, 1)) for y in (k, v))
        y = mx.fast.scaled_dot_product_attention(self.rope(q), self.rope(k), v, scale=self.scale, mask=mask)
        return self.o_proj(y.swapaxes(1, 2).flatten(-2))


class PlainBlock(TransformerBlock):
    """Without the second residual connection."""

    def __call__(self, x, mask=None, cache=None):
        h = x + self.self_attn(self.input_layernorm(x), mask, cache)
        return self.mlp(self.post_attention_layernorm(h))


def _set(path: str, attribute: str, value: object, within: str | None = None) -> Mistake:
    """An attribute of the submodule at `path` that has another value; `within`: the submodule that computes with it."""

    def plant(block: nn.Module) -> None:
        # Not through the module's __setattr__, which stores attributes in a dictionary and would refuse a class.
        object.__setattr__(dict(block.named_modules())[path], attribute, value)

    return Mistake(within or path, plant)


MISTAKES = {
    "rope interleaved": _set("layer.self_attn.rope", "traditional", True, within="layer.self_attn"),
    "rope base": _set("layer.self_attn.rope", "base", 500000.0, within="layer.self_attn"),
    "attention scale": _set("layer.self_attn", "scale", 1 / 16),
    "key heads tiled": _set("layer.self_attn", "__class__", TiledAttention),
    "norm eps": _set("layer.post_attention_layernorm", "eps", 1e-6),
    "gelu for silu": _set("layer.mlp", "__class__", GeluMlp),
    "gate and up swapped": _set("layer.mlp", "__class__", SwappedMlp),
    "residual missing": _set("layer", "__class__", PlainBlock),
}
