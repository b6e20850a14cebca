"""Faults in the baseline's modules."""

from __future__ import annotations

from parity.mutation.planting import Fault

ATTENTION, NORM, MLP, POSITION, VOCABULARY = (
    f"baseline.{module}" for module in ("attention", "norm", "mlp", "position", "vocabulary")
)
SDPA_TORCH, SDPA_MLX = "is_causal=True", 'scale=q.shape[-1] ** -0.5, mask="causal"'

FAULTS = (
    Fault("transposed weight", "multiplied by W, not by its transpose", ATTENTION, "attention",
          torch=("self.out(y.transpose(1, 2).flatten(-2))", "y.transpose(1, 2).flatten(-2) @ self.out.weight"),
          mlx=("self.out(y.swapaxes(1, 2).flatten(-2))", "y.swapaxes(1, 2).flatten(-2) @ self.out.weight")),
    Fault("interleaved heads", "split a vector into heads feature by feature, not in blocks", ATTENTION, "attention",
          torch=("x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)",
                 "x.unflatten(-1, (-1, self.n_head)).movedim(-1, 1)"),
          mlx=("mx.unflatten(x, -1, (self.n_head, -1)).swapaxes(1, 2)",
               "mx.moveaxis(mx.unflatten(x, -1, (-1, self.n_head)), -1, 1)")),
    Fault("swapped heads", "gave each head's result to its neighbour", ATTENTION, "attention",
          torch=("self.out(y.transpose(1, 2)", "self.out(y.roll(1, 1).transpose(1, 2)"),
          mlx=("self.out(y.swapaxes(1, 2)", "self.out(mx.roll(y, 1, 1).swapaxes(1, 2)")),
    Fault("swapped parts", "took keys for queries", ATTENTION, "attention",
          torch=("q, k, v = (", "k, q, v = ("), mlx=("q, k, v = (", "k, q, v = (")),
    Fault("mask off by one", "let every query see the next key", ATTENTION, "attention",
          torch=(SDPA_TORCH, "attn_mask=x.new_ones(x.shape[1], x.shape[1]).tril(1).bool()"),
          mlx=('mask="causal"', "mask=mx.tril(mx.ones((x.shape[1], x.shape[1])), 1).astype(mx.bool_)")),
    Fault("score scale missing", "forgot to divide the scores by sqrt(d/H)", ATTENTION, "attention",
          torch=(SDPA_TORCH, "is_causal=True, scale=1.0"), mlx=(SDPA_MLX, 'scale=1.0, mask="causal"')),
    Fault("score scale of the width", "divided the scores by sqrt(d)", ATTENTION, "attention",
          torch=(SDPA_TORCH, "is_causal=True, scale=x.shape[-1] ** -0.5"),
          mlx=(SDPA_MLX, 'scale=x.shape[-1] ** -0.5, mask="causal"')),
    Fault("no gradient through the values", "detached them, as for a cache", ATTENTION, "attention",
          torch=("(q, k, v,", "(q, k, v.detach(),"), mlx=("(q, k, v,", "(q, k, mx.stop_gradient(v),")),
    Fault("TF32", "let a float32 product round its input to 10 bits of mantissa", ATTENTION, "attention",
          torch=("self.qkv(x)", "self.qkv(x if x.element_size() == 8 else x.half().float())"),
          mlx=("self.qkv(x)", "self.qkv(x if x.itemsize == 8 else x.astype(mx.float16).astype(mx.float32))")),
    Fault("keys not turned", "turned the queries only", ATTENTION, "attention: turned",
          torch=(", turned(k, *rotation, eps=self.eps)", ", k"), mlx=(", turned(k, *rotation, eps=self.eps)", ", k")),
    Fault("neighbouring pairs", "rolled by one feature, not by half the width", ATTENTION, "attention: turned",
          torch=("x.roll(x.shape[-1] // 2, -1)", "x.roll(1, -1)"),
          mlx=("mx.roll(x, x.shape[-1] // 2, axis=-1)", "mx.roll(x, 1, axis=-1)")),
    Fault("wrong eps", "took 1e-6, the other common default", NORM, "norm",
          torch=("None, self.eps", "None, 1e-6"), mlx=("None, self.eps", "None, 1e-6")),
    Fault("unbiased variance", "divided the sum of squares by n - 1", NORM, "norm",
          torch=("F.layer_norm(x, self.weight.shape, self.weight, None, self.eps)",
                 "self.weight * (x - x.mean(-1, True)) / (x.var(-1, keepdim=True) + self.eps).sqrt()"),
          mlx=("mx.fast.layer_norm(x, self.weight, None, self.eps)",
               "self.weight * (x - x.mean(-1, True)) / (x.var(-1, True, 1) + self.eps).sqrt()")),
    Fault("tanh GELU", "took the tanh approximation for the erf GELU", MLP, "mlp",
          torch=("F.gelu(self.up(x))", 'F.gelu(self.up(x), approximate="tanh")'), mlx=("nn.gelu(", "nn.gelu_approx(")),
    Fault("positions from the end", "aligned a shorter sequence with the end of the table", POSITION, "position",
          torch=("[: x.shape[1]]", "[-x.shape[1] :]"), mlx=("[: x.shape[1]]", "[-x.shape[1] :]")),
    Fault("positions off by one", "counted the positions from 1", POSITION, "position",
          torch=("self.weight[:", "self.weight.roll(-1, 0)[:"), mlx=("self.weight[:", "mx.roll(self.weight, -1, 0)[:")),
    Fault("pad rows", "let rows that belong to no token enter the normaliser", VOCABULARY, "vocabulary: log_prob",
          torch=("F.cross_entropy(self.logits(x)", "F.cross_entropy(F.linear(x, self.weight)"),
          mlx=("axis=-1) - logsumexp(logits))", "axis=-1) - logsumexp(x @ self.weight.T))")),
    Fault("head reads a copy", "tied the tables by value, so that their gradients do not add", VOCABULARY, "model",
          torch=("self.weight[: self.n_vocab]", "self.weight.detach()[: self.n_vocab]"),
          mlx=("self.weight[: self.n_vocab]", "mx.stop_gradient(self.weight)[: self.n_vocab]")),
    Fault("first rows for new tokens", "aligned the first query with the first key", ATTENTION, "attention: three",
          torch=(".tril(t - n)", ".tril()"), mlx=("mx.tri(n, t, t - n,", "mx.tri(n, t, 0,")),
    Fault("position of the last piece", "counted a new piece from zero", POSITION, "position: three tokens",
          torch=("self.weight[position[:, None] +", "self.weight[0 * position[:, None] +"),
          mlx=("self.weight[position[:, None] +", "self.weight[0 * position[:, None] +")),
)  # fmt: skip
