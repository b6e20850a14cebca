"""Faults in A6, latent attention."""

from __future__ import annotations

from parity.mutation.planting import Fault

MLA = "aristotle.mla"

FAULTS = (
    Fault("induction sees itself", "forgot to shift its key", MLA, "mla: typical",
          torch=("[demonstration, induction, dialectic - was", "[demonstration, _, dialectic - was"),
          mlx=("[demonstration, induction, dialectic - was", "[demonstration, _, dialectic - was")),
    Fault("scale of the head alone", "divided by sqrt(dh), without the rotary width", MLA, "mla: typical",
          torch=("k, padded, is_causal=True", "k, padded, is_causal=True, scale=v.shape[-1] ** -0.5"),
          mlx=("v, scale=self.scale", "v, scale=v.shape[-1] ** -0.5")),
    Fault("positions from zero in generation", "turned new tokens as the first ones of a text",
          MLA, "mla: three tokens",
          outside_training="generation only",
          torch=("self.latents(x, offset)", "self.latents(x, 0)"),
          mlx=("self.latents(x, offset)", "self.latents(x, 0)")),
    Fault("forgotten last token", "took zero for the x before a new token", MLA, "mla: three tokens",
          outside_training="generation only",
          torch=("torch.cat([last[:, None], x[:, :-1]], dim=1)", "torch.cat([0 * last[:, None], x[:, :-1]], dim=1)"),
          mlx=("mx.concatenate([last[:, None], x[:, :-1]], axis=1)",
               "mx.concatenate([0 * last[:, None], x[:, :-1]], axis=1)")),
    Fault("keys and values exchanged", "took V for U", MLA, "mla: typical",
          torch=("u, v = (self.heads(part)", "v, u = (self.heads(part)"),
          mlx=("u, v = (self.heads(part)", "v, u = (self.heads(part)")),
    Fault("rotary key per pair of neighbours", "turned (2i, 2i+1)", "common.rotary", "mla: typical",
          torch=("x.chunk(2, dim=-1)\n", "(x[..., ::2], x[..., 1::2])\n"),
          mlx=("traditional=False", "traditional=True")),
)
