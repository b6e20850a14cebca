"""How alike are the names of two parameters? By their words, of which frameworks and papers have several for one thing.

layers.3.attention.wq.weight    and    h.3.self_attn.q_proj.weight    are alike: layer, attention, query, weight
"""

from __future__ import annotations

import re
from functools import cache

SYNONYMS = {
    "query": "q wq queries",
    "key": "k wk keys",
    "value": "v wv values",
    "out": "o wo output",
    "gate": "w1 router",
    "down": "w2 fc2 lin2 linear2",
    "up": "w3 fc1 lin1 linear1 intermediate",
    "norm": "ln layernorm rmsnorm groupnorm bn batchnorm",
    "attention": "attn mixer mha",
    "mlp": "ffn feed forward ff",
    "embedding": "embed embeddings emb wte tok token tokens word",
    "position": "pos wpe positions positional",
    "head": "unembed classifier logits lm",
    "layer": "h layers blocks block encoder decoder stages stage",
    "shortcut": "downsample skip residual",
    "weight": "kernel w gamma scale",
    "bias": "b beta",
    "input": "in pre",
    "conv": "convolution conv1d conv2d conv3d convs",
    "": "model transformer module proj projection net self the c backbone dense linear",
}
PHRASES = {
    r"post_attention_(layer)?norm": "mlp_norm",  # the one before the MLP
    r"input_(layer)?norm": "attention_norm",
    r"(?<![a-z])(ln|norm|layer_?norm)_?1(?!\d)": "attention_norm",
    r"(?<![a-z])(ln|norm|layer_?norm)_?2(?!\d)": "mlp_norm",
}
CANONICAL = {word: name for name, words in SYNONYMS.items() for word in (name, *words.split())}
COMMON = {"layer": 0.25, "weight": 0.25, "bias": 0.25}  # what nearly every name has tells little
ENDINGS = ("weight", "bias")


@cache
def words(name: str) -> frozenset[str]:
    """The words of a name, one for each thing, without numbers."""
    for pattern, plain in PHRASES.items():
        name = re.sub(pattern, plain, name)
    parts = re.findall(r"[A-Za-z]+\d*", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).replace("_", " "))
    plain = (CANONICAL.get(word, CANONICAL.get(word.rstrip("0123456789"), word)) for word in map(str.lower, parts))
    return frozenset(word for word in plain if word)


def likeness(a: str, b: str) -> float:
    """From 0, nothing in common, to 1, the same name; below 0 for a weight and a bias."""
    if a == b:
        return 1.0
    ours, theirs = words(a), words(b)
    endings = [next((word for word in ENDINGS if word in some), None) for some in (ours, theirs)]
    if None not in endings and endings[0] != endings[1]:
        return -1.0
    shared, either = (sum(COMMON.get(word, 1.0) for word in some) for some in (ours & theirs, ours | theirs))
    return 0.95 * shared / either if either else 0.0
