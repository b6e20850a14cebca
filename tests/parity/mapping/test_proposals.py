"""Names proposed: what a porter would write, with its evidence, and never used unless it is passed."""

from __future__ import annotations

import re

import mlx.core as mx
import mlx.nn as mlx_nn
import numpy as np
import pytest
import torch
from mlx.utils import tree_unflatten
from torch import nn as torch_nn

import parity
from parity.mapping.names import match
from parity.mapping.proposals.likeness import likeness
from parity.mapping.proposals.search import propose

D = 4


def arrays(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, np.ndarray]:
    g = np.random.default_rng(seed)
    return {name: g.normal(size=shape) for name, shape in shapes.items()}


def fits(proposal, mlx: dict, torch_arrays: dict) -> dict[str, str]:
    """What the proposal says of every parameter, after `match` has accepted it."""
    shapes = [{name: x.shape for name, x in some.items()} for some in (mlx, torch_arrays)]
    return {name: str(target) for name, target in match(*shapes, proposal or None).targets.items()}


def pasted(proposal) -> list:
    """The text of a proposal, run as whoever pastes it would."""
    namespace = {"parity": parity, "np": np}
    exec(str(proposal), namespace)
    return namespace["names"]


LAYERS = range(3)
LLAMA = (
    {"tok_embeddings.weight": (11, D), "norm.weight": (D,), "output.weight": (11, D)}
    | {f"layers.{i}.attention.{x}.weight": (D, D) for i in LAYERS for x in ("wq", "wk", "wv", "wo")}
    | {
        f"layers.{i}.feed_forward.{x}.weight": s
        for i in LAYERS
        for x, s in (("w1", (6, D)), ("w2", (D, 6)), ("w3", (6, D)))
    }
    | {f"layers.{i}.{x}.weight": (D,) for i in LAYERS for x in ("attention_norm", "ffn_norm")},
    {"model.embed_tokens.weight": (11, D)}
    | {f"model.layers.{i}.self_attn.{x}_proj.weight": (D, D) for i in LAYERS for x in "qkvo"}
    | {
        f"model.layers.{i}.mlp.{x}_proj.weight": s
        for i in LAYERS
        for x, s in (("gate", (6, D)), ("up", (6, D)), ("down", (D, 6)))
    }
    | {f"model.layers.{i}.{x}_layernorm.weight": (D,) for i in LAYERS for x in ("input", "post_attention")}
    | {"model.norm.weight": (D,), "lm_head.weight": (11, D)},
    {
        "layers.2.attention.wq.weight": "model.layers.2.self_attn.q_proj.weight",
        "layers.2.attention.wo.weight": "model.layers.2.self_attn.o_proj.weight",
        "layers.0.feed_forward.w1.weight": "model.layers.0.mlp.gate_proj.weight",
        "layers.0.feed_forward.w2.weight": "model.layers.0.mlp.down_proj.weight",
        "layers.0.feed_forward.w3.weight": "model.layers.0.mlp.up_proj.weight",
        "layers.1.attention_norm.weight": "model.layers.1.input_layernorm.weight",
        "layers.1.ffn_norm.weight": "model.layers.1.post_attention_layernorm.weight",
        "tok_embeddings.weight": "model.embed_tokens.weight",
        "output.weight": "lm_head.weight",
        "norm.weight": "model.norm.weight",
    },
)
GPT2 = (
    {f"h.{i}.attn.{x}.{w}": s for i in LAYERS for x in "qkv" for w, s in (("weight", (D, D)), ("bias", (D,)))},
    {f"h.{i}.attn.c_attn.{w}": s for i in LAYERS for w, s in (("weight", (D, 3 * D)), ("bias", (3 * D,)))},
    {
        "h.1.attn.q.weight": "transposed(part(h.1.attn.c_attn.weight, 0, of=3, axis=1))",
        "h.1.attn.k.bias": "part(h.1.attn.c_attn.bias, 1, of=3)",
        "h.1.attn.v.weight": "transposed(part(h.1.attn.c_attn.weight, 2, of=3, axis=1))",
    },
)
FUSED = (
    {f"layers.{i}.attn.qkv.weight": (2 * D, D) for i in LAYERS},
    {f"h.{i}.attn.{x}.weight": (rows, D) for i in LAYERS for x, rows in (("q", D), ("k", D // 2), ("v", D // 2))},
    {"layers.1.attn.qkv.weight": "fused(h.1.attn.q.weight, h.1.attn.k.weight, h.1.attn.v.weight)"},
)
EXPERTS = (
    {f"layers.{i}.mlp.switch.{x}.weight": (2, 6, D) for i in LAYERS for x in ("gate", "up")},
    {f"layers.{i}.mlp.experts.{e}.{x}.weight": (6, D) for i in LAYERS for e in range(2) for x in ("gate", "up")},
    {
        "layers.2.mlp.switch.up.weight": "rearranged({0}.0.up.weight, {0}.1.up.weight, stacked)".format(
            "layers.2.mlp.experts"
        )
    },
)
CONVOLUTIONS = (
    {"convs.0.weight": (8, 3, 3, 3), "convs.1.weight": (16, 3, 3, 8), "bn.running_mean": (8,), "fc.weight": (5, 16)},
    {"conv1.weight": (8, 3, 3, 3), "conv2.weight": (16, 8, 3, 3), "bn.running_mean": (8,), "head.weight": (5, 16)},
    {
        "convs.0.weight": "permuted(conv1.weight, (0, 2, 3, 1))",
        "convs.1.weight": "permuted(conv2.weight, (0, 2, 3, 1))",
        "fc.weight": "head.weight",
    },
)  # fmt: skip


@pytest.mark.parametrize(
    "case", [LLAMA, GPT2, FUSED, EXPERTS, CONVOLUTIONS], ids=["llama", "gpt2", "fused", "experts", "conv"]
)
def test_names_are_proposed_as_a_porter_would_write_them(case):
    mlx, theirs, expected = arrays(case[0]), arrays(case[1], 1), case[2]
    proposal = propose(mlx, theirs)
    targets = fits(proposal, mlx, theirs)
    assert {name: targets[name] for name in expected} == expected
    assert not proposal.left and not proposal.unused
    assert fits(pasted(proposal), mlx, theirs) == targets, str(proposal)
    assert len(proposal) <= len({re.sub(r"\.\d+\.", ".#.", name) for name in mlx})  # a rule for all layers


def test_what_fits_already_needs_no_rule():
    mlx = arrays({"a.weight": (D, D), "b": (3,)})
    assert propose(mlx, mlx) == [] and str(propose(mlx, mlx)) == "names = []"


def test_values_decide_where_names_say_nothing():
    theirs = arrays({f"p{i}": (D, D) for i in range(5)})
    order = [3, 0, 4, 1, 2]
    mlx = {f"x{j}": theirs[f"p{i}"].astype(np.float16) for j, i in enumerate(order)}
    mlx["x0"] = mlx["x0"].T
    proposal = propose(mlx, theirs)
    assert {line.evidence for line in proposal.lines} == {"same values"} and not any(
        line.doubt for line in proposal.lines
    )
    targets = fits(proposal, mlx, theirs)
    assert targets == {f"x{j}": f"p{i}" for j, i in enumerate(order)} | {"x0": "transposed(p3)"}


def test_doubt_is_shown():
    mlx, theirs = arrays({"a": (D, D), "b": (D, D)}), arrays({"x": (D, D), "y": (D, D)}, 1)
    text = str(propose(mlx, theirs))
    assert '("a", "x"),  # shape alone; or y?' in text and '("b", "y"),  # shape alone; or x?' in text


def test_what_nothing_fits_is_listed():
    proposal = propose(arrays({"a": (D,), "lost": (7,), "gone": (9,)}), arrays({"a": (D,), "more": (6,)}))
    assert proposal.left == ("lost", "gone") and proposal.unused == ("more",)
    assert str(proposal) == "names = []\n# nothing fits MLX's lost and 1 more\n# nothing fits PyTorch's more"


@pytest.mark.parametrize(
    ("a", "b", "unlike"),
    [
        ("layers.0.attention.wq.weight", "h.0.self_attn.q_proj.weight", "h.0.self_attn.k_proj.weight"),
        ("blocks.1.ffn.w2.weight", "layers.1.mlp.down_proj.weight", "layers.1.mlp.up_proj.weight"),
        ("ln.gamma", "norm.weight", "norm.bias"),
        ("TokenEmbedding.weight", "wte.weight", "wpe.weight"),
    ],
)
def test_words_of_one_meaning_are_alike(a, b, unlike):
    assert likeness(a, b) > 0.6 > likeness(a, unlike)


class MlxNet(mlx_nn.Module):
    def __init__(self):
        super().__init__()
        self.tok, self.wq, self.wo = mlx_nn.Embedding(7, D), mlx_nn.Linear(D, D), mlx_nn.Linear(D, D)
        self.head = mlx_nn.Linear(D, 7, bias=False)

    def __call__(self, ids):
        return self.head(self.wo(mx.tanh(self.wq(self.tok(ids)))))


class TorchNet(torch_nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens, self.q_proj, self.o_proj = (
            torch_nn.Embedding(7, D),
            torch_nn.Linear(D, D),
            torch_nn.Linear(D, D),
        )
        self.lm_head = torch_nn.Linear(D, 7, bias=False)
        self.lm_head.weight = self.embed_tokens.weight

    def forward(self, ids):
        return self.lm_head(self.o_proj(torch.tanh(self.q_proj(self.embed_tokens(ids)))))


IDS = [parity.integers((2, 3), below=7)]


def test_modules_are_named_and_the_proposal_is_never_used_silently():
    ours, theirs = MlxNet(), TorchNet()
    with pytest.raises(parity.UsageError) as error:
        parity.check(ours, theirs, IDS)
    message = str(error.value)
    assert message.startswith("MLX's tok.weight = tok.weight, but PyTorch has no tok.weight")
    assert "(and " in message and " more like it). If these are right, say names=names, with\nnames = [\n" in message
    names = parity.propose_names(ours, theirs)
    assert (
        str(names) in message and '("head.weight", parity.tied("embed_tokens.weight")),  # PyTorch ties it' in message
    )
    assert parity.check(ours, theirs, IDS, names=pasted(message.partition("with\n")[2]), probes=("gradient",)).ok


def test_loaded_weights_are_recognised():
    ours, theirs = MlxNet(), TorchNet()
    given = {"wq.weight": theirs.o_proj.weight, "wo.weight": theirs.q_proj.weight}  # the other way round
    ours.update(tree_unflatten([(name, mx.array(x.detach().numpy())) for name, x in given.items()]))
    names = dict(parity.propose_names(ours, theirs))
    assert (names["wq.weight"], names["wo.weight"]) == ("o_proj.weight", "q_proj.weight")


def test_rules_that_were_given_are_not_second_guessed():
    with pytest.raises(parity.UsageError, match="wieght") as error:
        parity.check(mlx_nn.Linear(D, D), torch_nn.Linear(D, D), (2, D), names={"wieght": "weight"})
    assert "names = [" not in str(error.value)


def test_functions_have_no_parameters():
    with pytest.raises(parity.UsageError, match="no .*Module, and has no parameters to be named"):
        parity.propose_names(mx.tanh, TorchNet())
