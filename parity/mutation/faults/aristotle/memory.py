"""Mistakes in the mixture of a model and a memory."""

from __future__ import annotations

from parity.mutation.planting import Fault

MEMORY = "common.mixture"

FAULTS = (
    Fault("offsets left out", "gave every part the weight of the gate alone, whatever was counted", MEMORY, "memory",
          torch=("scores[..., 1:] + offsets]", "scores[..., 1:]]"),
          mlx=("scores[..., 1:] + offsets]", "scores[..., 1:]]")),
    Fault("weights that do not sum to 1", "forgot to normalise the gate", MEMORY, "memory",
          torch=("return scores - scores.logsumexp(dim=-1, keepdim=True)", "return scores"),
          mlx=("return scores - mx.logsumexp(scores, axis=-1, keepdims=True)", "return scores")),
    Fault("features in another order", "put the model's features before the counts'", MEMORY, "memory",
          torch=("[features, uncertainty]", "[uncertainty, features]"),
          mlx=("[features, uncertainty]", "[uncertainty, features]")),
    Fault("logs mixed", "averaged log probabilities instead of probabilities, over one target", MEMORY, "memory",
          torch=("return (weights + torch.cat([model_log_prob[..., None], parts], dim=-1)).logsumexp(dim=-1)",
                 "return (weights.exp() * torch.cat([model_log_prob[..., None], parts], dim=-1)).sum(dim=-1)"),
          mlx=("return mx.logsumexp(weights + mx.concatenate([model_log_prob[..., None], parts], axis=-1), axis=-1)",
               "return (mx.exp(weights) * mx.concatenate([model_log_prob[..., None], parts], axis=-1)).sum(axis=-1)")),
    Fault("model mixed last", "put the model behind the parts in the full distribution", MEMORY, "memory: log_probs",
          torch=("[model_log_probs[..., None, :], parts]", "[parts, model_log_probs[..., None, :]]"),
          mlx=("[model_log_probs[..., None, :], parts]", "[parts, model_log_probs[..., None, :]]")),
    Fault("no gradient through the gate", "took the weights for constants", MEMORY, "memory: log_probs",
          torch=("return (weights[..., None] +", "return (weights.detach()[..., None] +"),
          mlx=("mx.logsumexp(weights[..., None] +", "mx.logsumexp(mx.stop_gradient(weights)[..., None] +")),
)  # fmt: skip
