"""The baseline: the GPT of the contract. The personas replace its modules.

Learned positions, pre-LayerNorm without bias, causal softmax attention, erf GELU, a tied head of 50,304 rows, normal
initial values of deviation 0.02 (residual projections 0.02 / sqrt(2 n_layer)), AdamW with learning rate 3e-4, decay
0.1, betas 0.9 / 0.95, no schedule, gradients clipped at norm 1.

Sources: Radford et al. 2019 (GPT-2); Karpathy 2022 (nanoGPT), for the recipe.
"""

from __future__ import annotations

from lyceum.personas.baseline.attention import Attention
from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.baseline.norm import LayerNorm
from lyceum.personas.baseline.position import LearnedPosition
from lyceum.personas.baseline.vocabulary import TiedVocabulary
from lyceum.personas.spec.persona import Persona
from lyceum.personas.spec.recipe import Recipe


def modules(fixed) -> dict:
    """The baseline's reference of each module of a model. fixed: the contract's sizes."""
    return {
        "vocabulary": TiedVocabulary(fixed.n_embd),
        "position": LearnedPosition(fixed.block_size, fixed.n_embd),
        "norm": LayerNorm(fixed.n_embd),
        "mixer": Attention(fixed.n_embd, fixed.n_head),
        "mlp": MLP(fixed.n_embd),
    }


PERSONA = Persona(
    name="baseline",
    thesis="The contract's GPT, unchanged: every persona is compared with it.",
    systems=(),
    default=(),
    recipe=lambda max_iters: Recipe(peak_lr=3e-4, total_steps=max_iters),
)
