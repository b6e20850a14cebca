"""A16, the lens of causes: what each head and each MLP gave to the token that was chosen.

Idea. "We know a thing when we know its cause" (Posterior Analytics I 2). A logit is a sum over the terms of the
residual stream, so each head and each MLP has a share in it that can be stated; what would have been otherwise without
a cause is seen by putting another in its place (`lyceum.personas.lens`, patching).

Equations. x = sum_k x_k, the terms (`Lens.terms`). The head reads N(x) = L x / s(x): L a fixed linear map (the gain,
and the mean taken off if the norm does that), s(x) the scale. With s *frozen* at the value that it has, N is linear,
and the logit of a target w is a sum,

    logit_l(w) = v_l(w) . N(x) + b_l(w) = sum_k v_l(w) . L x_k / s(x)  +  b_l(w)

whose terms are the *direct contributions*. The tree of A8 is a softmax at three levels, so a target has three logits:
of its genus among genera, of its species among those of its genus, of itself among the individuals of its species;
log p(w) is the sum of the three less the sum of the three normalisers. All three are kept apart, and their sum is the
logit of the token: with genus and species alone all tokens of a species would have the same causes. b_l is the base
rate, a constant. The tied vocabulary of the baseline has one level and no constant.

    previous token   of a head, the mean over t >= 1 of A[t, t-1],   A its attention
    induction        the mean over t with an earlier s, ids[s] = ids[t], of the sum over these s of A[t, s+1], s+1 < t:
                     what followed this token before

Theorems.
 1. The contributions add up to the logits: v . L is linear, and x is the sum of its terms.
 2. log p(w) - log p(w') = logit(w) - logit(w') for two individuals of one species: they share all normalisers.
 3. A head's output is A times its values, rows of A sum to 1, and none falls on a later position. For A3, the
    syllogism, A is (1 - g) P + g P P.
 4. Those of `lyceum.personas.lens`: terms, patching, the mixture of the memory.
Direct contributions do not see what a head does through later layers; patching does.

Cost. As `Lens.terms`, and (n d + T) numbers a position. Sources: nostalgebraist 2020 (the logit lens); Elhage et al.
2021 (direct logit attribution); Olsson et al. 2022 (previous-token and induction heads).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lyceum.personas.aristotle.attention import Syllogism
from lyceum.personas.aristotle.interpret import heat_maps
from lyceum.personas.aristotle.interpret.theorems import theorems
from lyceum.personas.aristotle.mla import LatentAttention
from lyceum.personas.aristotle.norm import GatedMesotes, GoldenMean
from lyceum.personas.aristotle.rope import square
from lyceum.personas.aristotle.ssm import SelectiveStateSpace
from lyceum.personas.aristotle.tokenize import random_tree
from lyceum.personas.baseline.attention import Attention, draw_turned
from lyceum.personas.baseline.mlp import MLP
from lyceum.personas.baseline.norm import LayerNorm
from lyceum.personas.baseline.position import LearnedPosition
from lyceum.personas.baseline.vocabulary import TiedVocabulary
from lyceum.personas.lens import Lens
from lyceum.personas.lens.heat_map import HeatMap, Reading
from lyceum.personas.lens.theorems import LENGTH, texts
from lyceum.personas.memory.mixture import Mixture
from lyceum.personas.spec.case import Case
from lyceum.personas.spec.names import below
from lyceum.personas.spec.skeleton import Layer
from lyceum.personas.spec.system import System

Arrays = dict[str, np.ndarray]


class Causes(Lens):
    """The lens with contributions and attention."""

    def contributions(self, p: Arrays, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """ids, targets (B, T) -> what each term, and last the base rate, gives to each logit, (B, T, n + 1, L)."""
        terms = self.terms(p, ids)
        vectors, constants = self.modules["vocabulary"].directions(below(p, "vocabulary"), targets)
        parts = self.modules["norm"].frozen(below(p, "norm"), terms.sum(-2), terms)
        return np.concatenate([parts @ vectors.swapaxes(-1, -2), constants[..., None, :]], axis=-2)

    def attention(self, p: Arrays, ids: np.ndarray) -> np.ndarray:
        """ids (B, T) -> where the heads of all mixers that attend look, (B, T, heads, T)."""

        def see(layer: Layer, p: Arrays, y: np.ndarray, *inputs: np.ndarray) -> Iterator[np.ndarray]:
            if hasattr(layer.spec, "attention"):
                yield from layer.spec.attention(below(p, layer.name), *inputs).swapaxes(0, 1)

        return self.seen(p, ids, see)

    def attending(self) -> tuple[str, ...]:
        """The names of the heads that `attention` describes; state spaces attend to nothing."""
        attend = [i for i, block in enumerate(self.skeleton.blocks, 1) if hasattr(block.mixer.spec, "attention")]
        return tuple(name for i in attend for name in self.parts() if name.startswith(f"block {i}, head"))

    def heat_maps(self, reading: Reading) -> tuple[HeatMap, ...]:
        """Contributions at the position and over the text, attention, and what each head is."""
        return heat_maps.heat_maps(self, reading)


def _modules(vocabulary, position, norm, mixer, mlp, **memory) -> dict:
    return {"vocabulary": vocabulary, "position": position, "norm": norm, "mixer": mixer, "mlp": mlp} | memory


N_VOCAB, NARROW = 45, LatentAttention(8, 4, n_latent=6, n_rotary=4)
G = np.random.default_rng(16)
TREE = Causes(
    _modules(
        random_tree(G), square(4, 2, (np.arange(N_VOCAB) % 7 == 0).astype(np.int32)), LayerNorm(8),
        (Attention(8, 2), SelectiveStateSpace(8, 2, 3)), MLP(8),
        memory=Mixture(G.normal(size=(6, 7)).astype(np.float32)),
    ), 2,
)  # fmt: skip
ADDED, MIXERS = LearnedPosition(LENGTH, 8), (Syllogism(8, 2), NARROW)
MEAN = Causes(_modules(random_tree(G), ADDED, GoldenMean(8), MIXERS, GatedMesotes(8, 6)), 2)
TIED = Causes(_modules(TiedVocabulary(8, N_VOCAB, 48), ADDED, LayerNorm(8), Attention(8, 2), MLP(8)), 1)


def _text(count: int):
    return lambda g: texts(g, N_VOCAB)[:count]


def _patched(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    return *texts(g, N_VOCAB), g.integers(0, 2, size=(2, LENGTH, 5)).astype(np.int32)


def _remembered(g: np.random.Generator) -> tuple[np.ndarray, ...]:
    return texts(g, N_VOCAB)[0], g.normal(size=(2, LENGTH, 4)), g.normal(size=(2, LENGTH, 5))


CASES = (
    Case("interpret: terms", TREE, _text(1), "terms"),
    Case("interpret: terms, latent attention", MEAN, _text(1), "terms"),
    Case("interpret: contributions", TREE, _text(2), "contributions"),
    Case("interpret: contributions, the golden mean", MEAN, _text(2), "contributions"),
    Case("interpret: contributions, the tied vocabulary", TIED, _text(2), "contributions"),
    Case("interpret: logits", TREE, _text(2), "logits"),
    Case("interpret: patched", TREE, _patched, "patched"),
    Case("interpret: memory weights", TREE, _remembered, "memory_weights"),
    Case("interpret: attention of a model", MEAN, _text(1), "attention"),
    Case("interpret: attention, turned", Attention(32, 4), draw_turned, "attention"),
    Case("interpret: attention of the syllogism", Syllogism(32, 4), draw_turned, "attention", noise=0.5),
    Case("interpret: attention on latents", NARROW, lambda g: (g.normal(size=(2, 7, 8)),), "attention"),
)
THEOREMS = theorems((TREE, MEAN, TIED), (Attention(8, 2), *MIXERS), N_VOCAB)

SYSTEM = System(
    "interpret",
    "A16, the lens of causes",
    job="a page for a text: what gave each token its logit, patching, the memory's weights",
    command="lyceum interpret RUN TEXT",
    lens=Causes,
)
