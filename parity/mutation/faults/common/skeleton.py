"""Planted faults: the model and the training step."""

from __future__ import annotations

from parity.mutation.planting import Fault, both

MODEL, TRAINER, OPTIMIZERS = "model", "trainer", "optimizers"

FAULTS = (
    Fault("norms exchanged", "put the first norm before the MLP", MODEL, "model",
          torch=("self.mlp, self.norm2(x)", "self.mlp, self.norm1(x)"),
          mlx=("self.mlp, self.norm2(x)", "self.mlp, self.norm1(x)")),
    Fault("targets not shifted", "scored each token by itself", TRAINER, "step",
          torch=("self.on_device(targets), masks", "self.on_device(ids), masks"),
          mlx=("self.update(mx.array(ids), mx.array(targets)", "self.update(mx.array(ids), mx.array(ids)")),
    Fault("sum for mean", "added the losses up; the clip hides it in most checks", TRAINER, "step",
          torch=("masks).mean()", "masks).sum()"), mlx=("masks).mean()", "masks).sum()")),
    Fault("clip not applied", "dropped the clipped gradients", TRAINER, "optimizer",
          torch=("nn.utils.clip_grad_norm_(", "nn.utils.get_total_norm("), mlx=("gradients, _ = optim", "optim")),
    Fault("decay on gains", "decayed every parameter alike", OPTIMIZERS, "optimizer",
          **both('0.0 if group == "vectors" else recipe.weight_decay', "recipe.weight_decay")),
    Fault("coupled decay", "added the decay to the gradient (Adam's L2)", OPTIMIZERS, "optimizer",
          torch=("torch.optim.AdamW(", "torch.optim.Adam(")),
    Fault("the library's betas", "left them at 0.9 and 0.999", OPTIMIZERS, "optimizer",
          torch=("recipe.betas", "(0.9, 0.999)"), mlx=("list(recipe.betas)", "[0.9, 0.999]")),
    Fault("no bias correction", "left the library's default", OPTIMIZERS, "optimizer",
          mlx=("bias_correction=True", "bias_correction=False")),
    Fault("the library's decay", "left it at 0.01", OPTIMIZERS, "optimizer",
          **both('"vectors" else recipe.weight_decay', '"vectors" else 0.01')),
)
