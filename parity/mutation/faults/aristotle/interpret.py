"""Faults in A16, the lens of causes, and in what other layers offer to it."""

from __future__ import annotations

from functools import partial

from parity.mutation.planting import Fault, both

LENS, CAUSES, NORM, MEAN = "common.lens", "aristotle.interpret", "baseline.norm", "aristotle.norm"
ATTENTION, SYLLOGISM, LATENT, TREE = "baseline.attention", "aristotle.attention", "aristotle.mla", "aristotle.tokenize"
Unseen = partial(Fault, outside_training="interpretation only")

FAULTS = (
    Unseen("heads read columns for rows", "took the projection's transpose apart", LENS, "interpret: terms",
           torch=("out.weight.chunk(", "out.weight.mT.chunk("), mlx=("mx.split(out.weight,", "mx.split(out.weight.T,")),
    Unseen("heads in reverse", "gave each head another's columns", LENS, "interpret: terms",
           torch=("zip(z.chunk(layer.n_head, dim=-1), columns", "zip(z.chunk(layer.n_head, dim=-1), columns[::-1]"),
           mlx=("zip(mx.split(z, layer.n_head, axis=-1), columns",
                "zip(mx.split(z, layer.n_head, axis=-1), columns[::-1]")),
    Unseen("patch inverted", "patched where the mask is 0", LENS, "interpret: patched", **both("!= 0", "== 0")),
    Unseen("patched with itself", "took the outputs of the same text", LENS, "interpret: patched",
           **both("self.outputs(other)", "self.outputs(ids)")),
    Unseen("embedding not patched", "patched mixers and MLPs alone", LENS, "interpret: patched",
           **both("return (new, *y[1:]) if", "return y if")),
    Unseen("memory weights as logs", "forgot the exponential", LENS, "interpret: memory weights",
           torch=("offsets).exp()", "offsets)"), mlx=("mx.exp(self.memory", "(self.memory")),
    Unseen("base rate left out", "added up the terms alone", CAUSES, "interpret: contributions",
           **both("constants[..., None, :]", "0 * constants[..., None, :]")),
    Unseen("contributions before the norm", "multiplied the terms as they are", CAUSES, "interpret: contributions",
           torch=("self.norm.frozen(terms.sum(dim=-2), terms)", "terms"),
           mlx=("self.norm.frozen(terms.sum(axis=-2), terms)", "terms")),
    Unseen("scale of n - 1", "took the sample's deviation", NORM, "interpret: contributions",
           torch=("correction=0", "correction=1"), mlx=("x.var(axis=-1)", "x.var(axis=-1, ddof=1)")),
    Unseen("terms not centred", "took the mean off x alone", NORM, "interpret: contributions",
           torch=("(terms - terms.mean(dim=-1, keepdim=True))", "terms"),
           mlx=("(terms - terms.mean(axis=-1, keepdims=True))", "terms")),
    Unseen("frozen without gain", "forgot the gain", MEAN, "interpret: contributions, the golden mean",
           **both("self.weight * terms", "terms")),
    Unseen("species of another genus", "scored the species by its genus", TREE, "interpret: contributions",
           **both("(group // self.shape[1], group, leaf)", "(group // self.shape[1], group // self.shape[1], leaf)")),
    Unseen("attention not scaled", "forgot 1 / sqrt(w)", ATTENTION, "interpret: attention, turned",
           torch=("return q @ k.mT * q.shape[-1] ** -0.5", "return q @ k.mT"),
           mlx=("return q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5", "return q @ k.swapaxes(-1, -2)")),
    Unseen("conclusions left out", "showed the premises alone", SYLLOGISM, "interpret: attention of the syllogism",
           **both("return self.middle(weights, weights @ weights)", "return weights")),
    Unseen("one type of heads", "gave every head the keys of the first type", LATENT, "interpret: attention on latents",
           torch=("q @ by_type(u, before(u)).mT", "q @ u.mT"),
           mlx=("q @ by_type(u, before(u)).swapaxes(-1, -2)", "q @ u.swapaxes(-1, -2)")),
)  # fmt: skip
