"""Faults in E6: mirrors, and attention on projections."""

from __future__ import annotations

from parity.mutation.planting import Fault

MIRRORS, MLA = "euclid.mla.reflections", "euclid.mla"

FAULTS = (
    Fault("mirrors not normalised", "took v v^T for a mirror whatever the length of v", MIRRORS, "projection: five",
          torch=("v = v / v.norm(dim=-1, keepdim=True)", "v = 1 * v"),
          mlx=("v = v / mx.linalg.norm(v, axis=-1, keepdims=True)", "v = 1 * v")),
    Fault("runs of mirrors joined with a plus", "lost the sign of the block that joins them", MIRRORS,
          "projection: five",
          torch=("t = t - t @ gained @ t", "t = t + t @ gained @ t"),
          mlx=("t = t - t @ gained @ t", "t = t + t @ gained @ t")),
    Fault("mirrors in reverse", "took the product of mirrors for its transpose", MIRRORS, "projection: five",
          torch=("(t @ v[:, :n])", "(t.mT @ v[:, :n])"), mlx=("(t @ v[:, :n])", "(t.T @ v[:, :n])")),
    Fault("frame without gradient", "detached the frame", MIRRORS, "projection: five",
          torch=("x @ self.frame().to(x.dtype)", "x @ self.frame().detach().to(x.dtype)"),
          mlx=("x @ self.frame().astype(x.dtype)", "x @ mx.stop_gradient(self.frame()).astype(x.dtype)")),
    Fault("projection's scale of the cache's width", "divided by sqrt(r + 8), the default of the absorbed form",
          MLA, "projection: three",
          outside_training="generation only",
          torch=("attn_mask=seen(q, both), scale=self.scale", "attn_mask=seen(q, both)"),
          mlx=("both, both, scale=self.scale", "both, both, scale=q.shape[-1] ** -0.5")),
    Fault("projection's positions from zero in generation", "turned new tokens' keys as if the text began with them",
          MLA, "projection: three",
          outside_training="generation only",
          torch=("self.latents(x, cached.shape[1])", "self.latents(x)"),
          mlx=("self.latents(x, cached.shape[1])", "self.latents(x)")),
    Fault("projection's values exchanged with keys", "took V for U", MLA, "projection: typical",
          torch=("k, v = (self.heads(part)", "v, k = (self.heads(part)"),
          mlx=("k, v = (self.heads(part)", "v, k = (self.heads(part)")),
)
