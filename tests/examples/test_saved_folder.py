"""One folder, loaded by mlx-lm and by transformers with their loaders: the weights and the functions agree."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import torch

import parity

SIZES = dict(vocab_size=61, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
MODELS = {
    "llama": SIZES | dict(intermediate_size=48, tie_word_embeddings=True),
    "mamba2": dict(
        vocab_size=61, hidden_size=32, num_hidden_layers=1, num_heads=8, head_dim=8, state_size=8, n_groups=1,
        chunk_size=8, intermediate_size=64, eos_token_id=1, tie_word_embeddings=False,
    ),
    "olmoe": SIZES | dict(intermediate_size=16, num_experts=4, num_experts_per_tok=2, eos_token_id=1),
}  # fmt: skip
RENAMED = {  # what each conversion does, besides carrying names over
    "llama": [],
    "mamba2": ["backbone.layers.0.mixer.conv1d.weight = transposed(backbone.layers.0.mixer.conv1d.weight)"],
    "olmoe": [
        f"model.layers.{i}.mlp.switch_mlp.{mine} = {theirs}"
        for i in range(2)
        for mine, theirs in (
            ("gate_proj.weight", f"part(model.layers.{i}.mlp.experts.gate_up_proj, 0, of=2, axis=1)"),
            ("up_proj.weight", f"part(model.layers.{i}.mlp.experts.gate_up_proj, 1, of=2, axis=1)"),
            ("down_proj.weight", f"model.layers.{i}.mlp.experts.down_proj"),
        )
    ],
}


def logits(model, ids):
    return model(ids).logits


def loaded(architecture: str, folder: Path):
    """(MLX's model, PyTorch's), of random weights that were saved."""
    transformers, mlx_lm = import_module("transformers"), import_module("mlx_lm.utils")
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        config = transformers.AutoConfig.for_model(architecture, **MODELS[architecture])
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    eager = (
        dict(experts_implementation="eager") if architecture == "olmoe" else {}
    )  # PyTorch has no grouped_mm in float64
    with parity.in_float64():
        theirs = transformers.AutoModelForCausalLM.from_pretrained(folder, **eager).eval()
    return mlx_lm.load_model(folder)[0], theirs


def compared(ours, theirs, sanitize=None):
    names = parity.converted(sanitize or ours.sanitize, saved=type(theirs).save_pretrained)
    inputs, options = [parity.integers((1, 5), 61)], dict(torch_call=logits, probes=("gradient",), dtypes=("float64",))
    return parity.check(ours, theirs, inputs, parameters="loaded", names=names, **options)


# The tiny Llama shows the way; the two others, in which names and layouts change on the way, take longer.
@pytest.mark.parametrize(
    "architecture", ["llama", *(pytest.param(k, marks=pytest.mark.slow) for k in ("mamba2", "olmoe"))]
)
def test_one_folder_two_loaders(architecture, tmp_path):
    ours, theirs = loaded(architecture, tmp_path)
    result = compared(ours, theirs).or_raise()
    weights = [v for v in result if v.variant == "mlx loaded"]
    assert len(weights) == len(result.names) and {v.error for v in weights} == {0.0}
    assert [name for name in result.names if len(set(name.split(" = "))) == 2] == RENAMED[architecture]


@pytest.mark.slow  # the suite has the same mistake in a tiny pair, tests/parity/mapping/test_conversion.py
def test_a_sanitize_that_exchanges_two_projections(tmp_path):
    ours, theirs = loaded("llama", tmp_path)
    swap = {"gate_proj": "up_proj", "up_proj": "gate_proj"}

    def exchanging(weights):
        def name(old: str) -> str:
            return ".".join(swap.get(word, word) for word in old.split("."))

        return {name(old): x for old, x in ours.sanitize(weights).items()}

    ours.load_weights([(n, x) for n, x in exchanging(dict(tree(ours))).items()])
    result = compared(ours, theirs, exchanging)
    assert all(v.ok for v in result if v.variant == "mlx loaded"), "both runs of the conversion make the same mistake"
    assert "output" in {v.what for v in result.failures}


def tree(module) -> list:
    return import_module("mlx.utils").tree_flatten(module.parameters())
