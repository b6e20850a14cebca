"""The planted faults, as records: mistakes that people make when they port a layer.

Each is an edit in the words of a wing's source (`faults`). An edit whose old text is gone makes the suite red: a
fault that can no longer be planted proves nothing, so its record is renewed together with the room.
"""

from __future__ import annotations

from parity.mutants.faults import Fault

ATTENTION, NORM, MLP, POSITION, VOCABULARY = (
    f"baseline.{room}" for room in ("attention", "norm", "mlp", "position", "vocabulary")
)
TREE, MODEL, TRAINER = "aristotle.tokenize", "model", "trainer"
SDPA_TORCH, SDPA_MLX = "is_causal=True", 'scale=q.shape[-1] ** -0.5, mask="causal"'

FAULTS = (
    Fault("transposed weight", "multiplied by W where the layer means its transpose", ATTENTION, "attention",
          torch=("self.out(y.transpose(1, 2).flatten(-2))", "y.transpose(1, 2).flatten(-2) @ self.out.weight"),
          mlx=("self.out(y.swapaxes(1, 2).flatten(-2))", "y.swapaxes(1, 2).flatten(-2) @ self.out.weight")),
    Fault("interleaved heads", "cut a vector into heads feature by feature, not in blocks", ATTENTION, "attention",
          torch=("x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)",
                 "x.unflatten(-1, (-1, self.n_head)).movedim(-1, 1)"),
          mlx=("mx.unflatten(x, -1, (self.n_head, -1)).swapaxes(1, 2)",
               "mx.moveaxis(mx.unflatten(x, -1, (-1, self.n_head)), -1, 1)")),
    Fault("swapped heads", "gave each head's result to its neighbour", ATTENTION, "attention",
          torch=("self.out(y.transpose(1, 2)", "self.out(y.roll(1, 1).transpose(1, 2)"),
          mlx=("self.out(y.swapaxes(1, 2)", "self.out(mx.roll(y, 1, 1).swapaxes(1, 2)")),
    Fault("swapped parts", "took keys for queries", ATTENTION, "attention",
          torch=("q, k, v = (", "k, q, v = ("), mlx=("q, k, v = (", "k, q, v = (")),
    Fault("mask off by one", "let every place see the next one", ATTENTION, "attention",
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
    Fault("positions off by one", "counted the places from 1", POSITION, "position",
          torch=("self.weight[:", "self.weight.roll(-1, 0)[:"), mlx=("self.weight[:", "mx.roll(self.weight, -1, 0)[:")),
    Fault("pad rows", "let rows that belong to no token enter the normaliser", VOCABULARY, "vocabulary: log_prob",
          torch=("F.cross_entropy(self.logits(x)", "F.cross_entropy(F.linear(x, self.weight)"),
          mlx=("axis=-1) - logsumexp(logits))", "axis=-1) - logsumexp(x @ self.weight.T))")),
    Fault("head reads a copy", "tied the tables by value, so that their gradients do not add", VOCABULARY, "model",
          torch=("self.weight[: self.n_vocab]", "self.weight.detach()[: self.n_vocab]"),
          mlx=("self.weight[: self.n_vocab]", "mx.stop_gradient(self.weight)[: self.n_vocab]")),
    Fault("species of the wrong genus", "divided by the number of genera", TREE, "tokenize",
          torch=("F.embedding(kind // self.shape[1],", "F.embedding(kind // self.shape[0],"),
          mlx=("self.embed_genus[kind // self.shape[1]]", "self.embed_genus[kind // self.shape[0]]")),
    Fault("base rates left out", "scored the individuals without their base rates", TREE, "tokenize",
          torch=("among_individuals + base_individual", "among_individuals"),
          mlx=("among_individuals + base_individual", "among_individuals")),
    Fault("no gradient into a level", "detached the species of the embedding", TREE, "tokenize",
          torch=("F.embedding(kind, self.embed_species)", "F.embedding(kind, self.embed_species).detach()"),
          mlx=("self.embed_species[kind]", "mx.stop_gradient(self.embed_species[kind])")),
    Fault("norms exchanged", "put the first norm before the MLP", MODEL, "model",
          torch=("self.mlp(self.norm2(x))", "self.mlp(self.norm1(x))"),
          mlx=("self.mlp(self.norm2(x))", "self.mlp(self.norm1(x))")),
    Fault("targets not shifted", "scored each token by itself", TRAINER, "step",
          torch=("self.on_device(targets), masks", "self.on_device(ids), masks"),
          mlx=("mx.array(targets), masks", "mx.array(ids), masks")),
    Fault("sum for mean", "added the losses up; the clip hides it from most eyes", TRAINER, "step",
          torch=("masks).mean()", "masks).sum()"), mlx=("masks).mean()", "masks).sum()")),
    Fault("clip not applied", "dropped the clipped gradients", TRAINER, "optimizer",
          torch=("nn.utils.clip_grad_norm_(", "nn.utils.get_total_norm("), mlx=("gradients, _ = optim", "optim")),
    Fault("decay on gains", "decayed every parameter alike", TRAINER, "optimizer",
          torch=('"weight_decay": 0.0', '"weight_decay": recipe.weight_decay'),
          mlx=("weight_decay=0.0", "weight_decay=recipe.weight_decay")),
    Fault("coupled decay", "added the decay to the gradient (Adam's L2)", TRAINER, "optimizer",
          torch=("torch.optim.AdamW(", "torch.optim.Adam(")),
    Fault("the library's betas", "left them at 0.9 and 0.999", TRAINER, "optimizer",
          torch=("recipe.betas", "(0.9, 0.999)"), mlx=("list(recipe.betas)", "[0.9, 0.999]")),
    Fault("no bias correction", "left the library's default", TRAINER, "optimizer",
          mlx=("bias_correction=True", "bias_correction=False")),
    Fault("the library's decay", "left it at 0.01", TRAINER, "optimizer",
          mlx=("[adamw(weight_decay=recipe.weight_decay)", "[adamw()")),
)
