"""The harmless rewrites, as records: other ways to compute the same, see `rewrites`.

Each is an edit in the words of a backend's source, as a fault is (`faults`), with the reason why it is an equality
in exact arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

from parity.mutation.faults.aristotle.tokenize import TREE
from parity.mutation.faults.baseline import ATTENTION, MLP, NORM, VOCABULARY
from parity.mutation.faults.common.skeleton import MODEL, OPTIMIZERS, TRAINER
from parity.mutation.planting import Edit


@dataclass(frozen=True)
class Rewrite(Edit):
    """Another way to compute the same. reason: why it is equal in exact arithmetic. The rest as in `Edit`."""

    name: str
    reason: str
    module: str
    check: str
    torch: tuple[str, str] | None = None
    mlx: tuple[str, str] | None = None

    @property
    def note(self) -> str:
        return self.reason


NORM_TORCH = "F.layer_norm(x, self.weight.shape, self.weight, None, self.eps)"
NORM_MLX = "mx.fast.layer_norm(x, self.weight, None, self.eps)"
DOWN = "self.down(self.features(x))"
RESIDUAL = ('x = x + masked(y, noise, self.mixer_site)\n'
            '        return x + masked(call(self.mlp, self.norm2(x)), noise, self.mlp_site)')  # fmt: skip
CLIP = "gradients, _ = optim.clip_grad_norm(gradients, self.clip_norm)"

REWRITES = (
    Rewrite("three projections", "the rows of a product are products: (W1; W2; W3) x = (W1 x; W2 x; W3 x)",
            ATTENTION, "attention",
            torch=("self.qkv(x).chunk(3, dim=-1)", "(x @ w.T for w in self.qkv.weight.chunk(3))"),
            mlx=("mx.split(self.qkv(x), 3, axis=-1)", "(x @ w.T for w in mx.split(self.qkv.weight, 3))")),
    Rewrite("explicit attention", "the fused kernel is defined as softmax(q k^T / sqrt(d)) v, masked to the past",
            ATTENTION, "attention",
            torch=("F.scaled_dot_product_attention(q, k, v, is_causal=True)",
                   "(q @ k.mT * q.shape[-1] ** -0.5).masked_fill(~x.new_ones(2 * x.shape[1:2]).tril().bool(), "
                   "-float('inf')).softmax(-1) @ v"),
            mlx=('mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask="causal")',
                 "mx.softmax(mx.where(mx.tri(x.shape[1]) > 0, q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5, "
                 "-mx.inf), axis=-1) @ v")),
    Rewrite("scaled queries", "(q s) . k = s (q . k)", ATTENTION, "attention",
            torch=("(q, k, v, is_causal=True", "(q * q.shape[-1] ** -0.5, k, v, is_causal=True, scale=1.0"),
            mlx=("(q, k, v, scale=q.shape[-1] ** -0.5", "(q * q.shape[-1] ** -0.5, k, v, scale=1.0")),
    Rewrite("transposed product", "x W^T = (W x^T)^T", ATTENTION, "attention",
            torch=("self.out(y.transpose(1, 2).flatten(-2))",
                   "(self.out.weight @ y.transpose(1, 2).flatten(-2).mT).mT"),
            mlx=("self.out(y.swapaxes(1, 2).flatten(-2))",
                 "(self.out.weight @ y.swapaxes(1, 2).flatten(-2).swapaxes(-1, -2)).swapaxes(-1, -2)")),
    Rewrite("norm by its formula", "the kernel is defined as w (x - mean) / sqrt(var + eps)", NORM, "norm",
            torch=(NORM_TORCH, "self.weight * (x - x.mean(-1, True)) / (x.var(-1, False, keepdim=True) + "
                               "self.eps).sqrt()"),
            mlx=(NORM_MLX, "self.weight * (x - x.mean(-1, True)) / (x.var(-1, True) + self.eps).sqrt()")),
    Rewrite("norm as scale and shift", "w (x - m) r = x (w r) - m r w, as fused kernels compute it", NORM, "norm",
            mlx=(NORM_MLX, "(lambda m, r: x * (self.weight * r) - m * r * self.weight)("
                           "x.mean(-1, True), (x.var(-1, True) + self.eps).rsqrt())")),
    Rewrite("GELU by erf", "gelu(u) = u Phi(u), Phi(u) = (1 + erf(u / sqrt 2)) / 2", MLP, "mlp",
            torch=("F.gelu(self.up(x))", "(lambda u: u * (0.5 + 0.5 * (u / 2**0.5).erf()))(self.up(x))"),
            mlx=("nn.gelu(self.up(x))", "(lambda u: u * (0.5 + 0.5 * mx.erf(u / 2**0.5)))(self.up(x))")),
    Rewrite("sum in reversed order", "addition is commutative and associative", MLP, "mlp",
            torch=(DOWN, "self.features(x).flip(-1) @ self.down.weight.flip(-1).T"),
            mlx=(DOWN, "self.features(x)[..., ::-1] @ self.down.weight[:, ::-1].T")),
    Rewrite("sum in chunks", "a sum is the sum of its parts' sums", MLP, "mlp",
            torch=(DOWN, "sum(h @ w.T for h, w in zip("
                         "self.features(x).chunk(4, -1), self.down.weight.chunk(4, -1)))"),
            mlx=(DOWN, "sum(h @ w.T for h, w in zip("
                       "mx.split(self.features(x), 4, -1), mx.split(self.down.weight, 4, -1)))")),
    Rewrite("log-softmax written out", "log p = z - m - log sum exp(z - m) for any constant m, so for the greatest z",
            VOCABULARY, "vocabulary",
            torch=("F.log_softmax(self.logits(x), dim=-1)",
                   "(lambda z: z - z.exp().sum(-1, True).log())("
                   "(lambda z: z - z.detach().amax(-1, True))(self.logits(x)))"),
            mlx=("return logits - logsumexp(logits)",
                 "return (lambda z: z - mx.log(mx.exp(z).sum(-1, keepdims=True)))("
                 "logits - mx.stop_gradient(logits.max(-1, keepdims=True)))")),
    Rewrite("embedding as a product", "row i of W is e_i W, e_i the unit vector", VOCABULARY, "vocabulary",
            torch=("F.embedding(ids, self.weight)", "F.one_hot(ids, len(self.weight)).to(self.weight) @ self.weight"),
            mlx=("self.weight[ids]", "mx.eye(len(self.weight), dtype=self.weight.dtype)[ids] @ self.weight")),
    Rewrite("path from the full tree", "a target's path is one entry of the full distribution", TREE, "tokenize",
            torch=("return -loss.view(targets.shape)",
                   "return self.log_probs(x).gather(-1, targets[..., None])[..., 0]"),
            mlx=("return -loss.reshape(targets.shape)",
                 "return mx.take_along_axis(self.log_probs(x), targets[..., None], axis=-1)[..., 0]")),
    Rewrite("residuals added up first", "(x + a) + b = (a + b) + x", MODEL, "model",
            torch=(RESIDUAL, RESIDUAL.replace("x = x + ", "a = ").replace("return x + ", "return x + (a + ")
                             .replace("norm2(x)", "norm2(x + a)") + ")"),
            mlx=(RESIDUAL, RESIDUAL.replace("x = x + ", "a = ").replace("return x + ", "return x + (a + ")
                           .replace("norm2(x)", "norm2(x + a)") + ")")),
    Rewrite("mean as sum over count", "the definition of a mean", TRAINER, "step",
            torch=("masks).mean()", "masks).sum() / ids.size"), mlx=("masks).mean()", "masks).sum() / ids.size")),
    Rewrite("clip by the other norm", "the root of the sum of all squares is the norm of the tensors' norms",
            TRAINER, "optimizer",
            torch=("nn.utils.clip_grad_norm_(self.named.values(), self.clip_norm)",
                   "nn.utils.clip_grads_with_norm_(self.named.values(), self.clip_norm, "
                   "sum(p.grad.square().sum() for p in self.named.values() if p.grad is not None).sqrt())"),
            mlx=(CLIP, "norm = mx.linalg.norm(mx.stack([mx.linalg.norm(g) for _, g in tree_flatten(gradients)]))\n"
                       "        gradients = tree_unflatten([(name, g * mx.minimum(self.clip_norm / (norm + 1e-6), 1)) "
                       "for name, g in tree_flatten(gradients)])")),
    Rewrite("Adam in another order", "(lr / c1) m / (sqrt v / sqrt c2 + eps) = lr (m / c1) / (sqrt(v / c2) + eps)",
            OPTIMIZERS, "optimizer", torch=("fused=True", "fused=False")),
    Rewrite("step not compiled", "compilation orders and fuses the same operations", TRAINER, "step",
            mlx=("if self.compiled else self._update", "if not self.compiled else self._update")),
)  # fmt: skip
