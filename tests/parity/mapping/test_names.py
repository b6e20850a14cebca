"""Names and layouts: values gathered, gradients scattered by the adjoint, a sentence for whatever does not fit."""

from __future__ import annotations

import math

import mlx.nn as mlx_nn
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mlx.utils import tree_flatten

from lyceum.contract import UsageError
from parity.mapping import Names, match
from parity.mapping.layouts import Layout, arranged, fused, leaves, part, permuted, rearranged, tied, transposed
from parity.mapping.misfits import SHOWN, MismatchError


def arrays(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, np.ndarray]:
    """Integers, so that sums are exact and equality may be demanded."""
    g = np.random.default_rng(seed)
    return {name: g.integers(-99, 100, size=shape).astype(np.float64) for name, shape in shapes.items()}


def inner(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    assert a.keys() == b.keys()
    return math.fsum(float((a[name] * b[name]).sum()) for name in a)


def problems(*arguments, **options) -> list[str]:
    with pytest.raises(MismatchError) as caught:
        match(*arguments, **options)
    assert isinstance(caught.value, UsageError)
    return list(caught.value.problems)


def half_split(w: np.ndarray, heads: int = 2) -> np.ndarray:
    return w.reshape(heads, -1, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


# Random layouts ------------------------------------------------------------------------------------------------------


@st.composite
def layouts(draw, names: list[str], shape: tuple[int, ...], depth: int = 3) -> Layout | str:
    """A layout of arrays of one `shape`, each of `names` used once by it, nested at random."""
    if len(names) > 1:
        cut = draw(st.integers(1, len(names) - 1))
        # Depth 0 turns no axes, so that pieces of different lengths still fit together.
        inside = fused(*(draw(layouts(half, shape, 0)) for half in (names[:cut], names[cut:])), axis=-len(shape))
    else:
        inside = draw(layouts(names, shape, depth - 1)) if depth else names[0]
    choices = [inside, tied(inside), rearranged(inside, function=lambda x: x[::-1], words="backwards")]
    if depth:
        choices.append(permuted(inside, tuple(draw(st.permutations(range(len(shape)))))))
    if depth and len(shape) > 1:
        choices.append(transposed(inside))
    return draw(st.sampled_from(choices))


@st.composite
def models(draw) -> tuple[dict, dict, dict]:
    """(MLX shapes, PyTorch shapes, names): one parameter fused of several, and each of them tied to another."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    torch_shapes = {f"t{i}": shape for i in range(draw(st.integers(1, 4)))}
    names = {"fused": draw(layouts(list(torch_shapes), shape))}
    names |= {f"again.{t}": tied(draw(layouts([t], shape))) for t in torch_shapes if draw(st.booleans())}
    blank = {t: np.zeros(shape) for t in torch_shapes}
    return {name: arranged(target, blank).shape for name, target in names.items()}, torch_shapes, names


@given(models(), st.integers(0, 2**32))
def test_gradients_go_back_by_the_adjoint(model, seed):
    """<S t, h> = <t, S^T h> for every t and h determines S^T; and S is what the layouts do to any array."""
    mlx_shapes, torch_shapes, names = model
    result, t, h = match(*model), arrays(torch_shapes, seed), arrays(mlx_shapes, seed + 1)
    m = result.to_mlx(t)
    for name, target in names.items():
        np.testing.assert_array_equal(m[name], arranged(target, t))
    assert inner(m, h) == inner(t, result.to_torch(h))


@given(models())
def test_a_layout_without_ties_loses_nothing(model):
    """S is a permutation there, so S^T S = 1."""
    _, torch_shapes, names = model
    t = arrays(torch_shapes)
    result = match({"fused": arranged(names["fused"], t).shape}, torch_shapes, {"fused": names["fused"]})
    back = result.to_torch(result.to_mlx(t))
    for name in t:
        np.testing.assert_array_equal(back[name], t[name])


# What each layout means ----------------------------------------------------------------------------------------------

QKV = {"q": (2, 4), "k": (1, 4), "v": (1, 4)}


@pytest.mark.parametrize(
    ("layout", "shapes", "expected"),
    [
        (transposed("w"), {"w": (2, 3)}, lambda a: a["w"].T),
        (transposed("w"), {"w": (5, 2, 3)}, lambda a: a["w"].transpose(0, 2, 1)),
        (permuted("w", (0, 2, 3, 1)), {"w": (4, 3, 2, 1)}, lambda a: np.moveaxis(a["w"], 1, 3)),
        (fused("q", "k", "v"), QKV, lambda a: np.vstack([a["q"], a["k"], a["v"]])),
        (fused("q", "k", axis=1), {"q": (2, 3), "k": (2, 1)}, lambda a: np.hstack([a["q"], a["k"]])),
        (
            rearranged("q", function=half_split, words="half-split"),
            {"q": (8,)},
            lambda a: a["q"][[0, 2, 1, 3, 4, 6, 5, 7]],
        ),
        ("w", {"w": ()}, lambda a: a["w"]),
        ("w", {"w": (0, 3)}, lambda a: a["w"]),
    ],
)
def test_layouts(layout, shapes, expected):
    values = arrays(shapes)
    wanted = expected(values)
    got = match({"m": wanted.shape}, shapes, {"m": layout}).to_mlx(values)["m"]
    np.testing.assert_array_equal(got, wanted, strict=True)


def test_a_fused_projection_is_split():
    """GPT-2 stores (in, 3 out): three projections side by side and transposed."""
    names = {x: transposed(part("c.weight", i, of=3, axis=1)) for i, x in enumerate("qkv")}
    result = match(dict.fromkeys("qkv", (2, 4)), {"c.weight": (4, 6)}, names)
    values = arrays({"c.weight": (4, 6)})
    made = result.to_mlx(values)
    np.testing.assert_array_equal(np.hstack([made[x].T for x in "qkv"]), values["c.weight"])
    np.testing.assert_array_equal(result.to_torch(made)["c.weight"], values["c.weight"])


def test_tied_weights_add_their_gradients():
    names = {"head": tied(transposed("tok"))}
    result = match({"tok": (3, 2), "head": (2, 3)}, {"tok": (3, 2)}, names)
    h = arrays({"tok": (3, 2), "head": (2, 3)})
    np.testing.assert_array_equal(result.to_torch(h)["tok"], h["tok"] + h["head"].T)
    np.testing.assert_array_equal(result.to_torch({"head": h["head"]})["tok"], h["head"].T)


def test_repeated_heads_add_their_gradients():
    """Key heads that MLX repeats for every query head and PyTorch shares."""
    layout = tied(rearranged("k", function=lambda w: np.repeat(w, 2, axis=0), words="each head twice"))
    result = match({"k": (4, 3)}, {"k": (2, 3)}, {"k": layout})
    h = arrays({"k": (4, 3)})
    np.testing.assert_array_equal(result.to_torch(h)["k"], h["k"][::2] + h["k"][1::2])


def test_absent_gradients_are_absent():
    result = match({"a": (1,), "b": (1,)}, {"a": (1,), "b": (1,)})
    assert result.to_torch({"a": np.ones(1)}).keys() == {"a"}
    assert match({"a": (0,)}, {"a": (0,)}).to_torch({"a": np.ones(0)})["a"].dtype == np.float64
    with pytest.raises(KeyError, match="output"):
        result.to_torch({"output": np.ones(1)})


def test_buffers_give_values_and_take_no_gradients():
    shapes = {"a": (2,), "table": (3,)}
    result = match(shapes, {"a": (2,)}, torch_buffers={"table": (3,), "unused": (1,)})
    values = arrays(shapes) | {"table": np.arange(3, dtype=np.int32)}
    assert result.to_mlx(values)["table"].dtype == np.int32
    np.testing.assert_array_equal(result.to_mlx(values)["table"], values["table"])
    assert result.to_torch(values).keys() == {"a"}


def test_values_are_copies():
    values = arrays({"a": (2,)})
    match({"a": (2,)}, {"a": (2,)}).to_mlx(values)["a"][:] = np.nan
    assert np.isfinite(values["a"]).all()


# Rules ---------------------------------------------------------------------------------------------------------------

LAYERS = {f"layers.{i}.{x}.weight": (2, 2) for i in range(12) for x in ("attn", "mlp")}


def test_rules_fit_full_names_and_the_first_wins():
    torch_shapes = {f"h.{i}.{x}.weight": (2, 2) for i in range(12) for x in ("a", "mlp")} | {"special": (2, 2)}
    del torch_shapes["h.3.a.weight"]
    rules = [
        ("layers.3.attn.weight", "special"),
        (r"layers\.(\d+)\.attn\.weight", r"h.\1.a.weight"),
        (r"layers\.(\d)\.mlp\.(?P<what>\w+)", r"h.\1.mlp.\g<what>"),
        (r"layers\.(\d\d)\.(mlp.weight)", transposed(r"h.\1.\2")),
    ]
    lines = match(LAYERS, torch_shapes, rules).described()
    assert lines[6:9] == [
        "layers.3.attn.weight = special",
        "layers.3.mlp.weight = h.3.mlp.weight",
        "layers.4.attn.weight = h.4.a.weight",
    ]
    assert lines[-1] == "layers.11.mlp.weight = transposed(h.11.mlp.weight)"


def test_groups_are_filled_into_nested_layouts():
    torch_shapes = {f"h.{i}.{x}": (1, 4) for i in range(2) for x in "qkv"}
    rule = (r"(\d)\.qkv", transposed(fused(r"h.\1.q", r"h.\1.k", r"h.\1.v")))
    result = match({"0.qkv": (4, 3), "1.qkv": (4, 3)}, torch_shapes, [rule])
    assert result.described()[1] == "1.qkv = transposed(fused(h.1.q, h.1.k, h.1.v))"
    values = arrays(torch_shapes)
    np.testing.assert_array_equal(result.to_mlx(values)["1.qkv"].T, np.vstack([values[f"h.1.{x}"] for x in "qkv"]))


def test_layouts_print_as_they_were_written():
    assert str(permuted("w", (0, 2, 1))) == "permuted(w, (0, 2, 1))"
    assert str(part("w", 1, of=3)) == "part(w, 1, of=3)"
    assert str(part(transposed("w"), 0, of=2, axis=1)) == "part(transposed(w), 0, of=2, axis=1)"
    assert str(fused("a", tied("b"), axis=1)) == "fused(a, tied(b), axis=1)"
    assert str(rearranged("a", "b", function=half_split, words="half-split")) == "rearranged(a, b, half-split)"
    assert leaves(fused("a", fused("b", "a"))) == ("a", "b")


# Everything that can be wrong ----------------------------------------------------------------------------------------

ONE, TWO = {"w": (2, 3)}, {"a": (2,), "b": (2,)}
ORDER = "if it lies there in another order, say "
NAMES = {
    "slip": (ONE | {"wt": (2, 3)}, ONE, {"wt": "w_"}, "MLX's wt = w_, but PyTorch has no w_ (nearest: w)"),
    "no such name": (
        ONE | {"freqs": (4,)},
        ONE,
        None,
        "; say of what it is made, or begin its name with an underscore",
    ),
    "unused": (ONE, ONE | {"x": (4,)}, None, "PyTorch's x (4,) is used by no parameter of MLX"),
    "exact": (ONE, ONE, {"weigh": "w"}, "MLX has no parameter 'weigh'"),
    "rule": ({"k_p": (1,)}, {"k_p": (1,)}, [("k_q", "")], "the rule 'k_q' fits no parameter of MLX (nearest: k_p)"),
    "full name": ({"k.proj": (1,)}, {"k.proj": (1,)}, [("k", "")], "the rule 'k' fits no parameter of MLX."),
    "hidden": (ONE, ONE, [("w", "w"), (".", "x")], "the rule '.' is never used, as earlier rules fit all that it fits"),
    "syntax": (
        ONE,
        ONE,
        [("(w", "w")],
        "the rule '(w', made of w, is not a regular expression: missing ), unterminated",
    ),
    "group": (
        ONE,
        ONE,
        [(".", tied(r"\1"))],
        "made of tied(\\1), is not a regular expression: invalid group reference 1",
    ),
    "named group": (ONE, ONE, [("w?", r"\g<x>")], "is not a regular expression: unknown group name 'x'"),
    "nothing": (
        ONE,
        ONE,
        {"w": None},
        "'w' cannot be made of None: a rule is a pair of a string and a PyTorch name or",
    ),
    "no string": (ONE, ONE, [(1, "w")], "1 cannot be made of 'w': a rule is a pair of a string and a PyTorch name or"),
    "no pairs": (
        ONE,
        ONE,
        ["w"],
        "names are a dictionary or a list of pairs (rule, PyTorch name or layout), not ['w']",
    ),
}
SHAPES = {
    "turned": (ONE, {"w": (3, 2)}, None, f"MLX's w = w has the shape (3, 2), not (2, 3); {ORDER}transposed(w)"),
    "turned stack": ({"w": (5, 3, 2)}, {"w": (5, 2, 3)}, None, f"{ORDER}transposed(w)"),
    "channels last": ({"w": (8, 5, 3, 3)}, {"w": (8, 3, 5, 3)}, None, f"{ORDER}permuted(w, (0, 2, 3, 1))"),
    "transposed convolution": ({"w": (8, 5, 5, 3)}, {"w": (3, 8, 5, 5)}, None, f"{ORDER}permuted(w, (1, 2, 3, 0))"),
    "other order": ({"w": (5, 5, 2, 3)}, {"w": (2, 3, 5, 5)}, None, f"{ORDER}permuted(w, (2, 3, 0, 1))"),
    "inside": (
        {"w": (6, 1)},
        {"w": (2, 3)},
        {"w": fused(part("w", 0, 2), part("w", 1, 2), axis=1)},
        "(1, 6), not (6, 1)",
    ),
    "flat": ({"w": (6,)}, ONE, None, "say rearranged(w, function=..., words='reshaped') with a reshape"),
    "hopeless": ({"w": (7,)}, ONE, None, "MLX's w = w has the shape (2, 3), not (7,)."),
}
USES = {
    "part": (
        {"q": (1, 3)},
        ONE,
        {"q": part("w", 0, 2)},
        "w (2, 3) is used only in part, by q: 3 of its 6 entries, w[1:2, 0:3],",
    ),
    "twice": (
        {"a": (2,), "c": (2,)},
        {"a": (2,)},
        {"c": "a"},
        "more than once, by a and c: if the weights are tied, say tied(a)",
    ),
    "part twice": (
        {"a": (2,), "c": (1,)},
        {"a": (2,)},
        {"c": part("a", 1, 2)},
        "a is used more than once (in a[1:2]), by a and c",
    ),
    "alone": ({"a": (4,)}, {"a": (2,)}, {"a": fused("a", "a")}, "a is used more than once, by a:"),
    "tie of another": (
        {"x": (4,)} | TWO,
        TWO,
        {"x": fused(tied("a"), "b")},
        "PyTorch's b is used more than once, by x and b",
    ),
}
LAYOUTS = {
    "transposed": (
        {"w": (3,)},
        {"w": (3,)},
        {"w": transposed("w")},
        "w = transposed(w) cannot be formed from w (3,): axis",
    ),
    "part": ({"w": (3,)}, ONE, {"w": part("w", 1, of=4)}, "w = part(w, 1, of=4) cannot be formed from w (2, 3): array"),
    "permuted": (
        {"w": (3,)},
        ONE,
        {"w": permuted("w", (0, 1, 2))},
        "cannot be formed from w (2, 3): axes don't match array",
    ),
    "fused": (
        {"w": (4,)},
        {"a": (2,), "b": (2, 1)},
        {"w": fused("a", "b")},
        "cannot be formed from a (2,), b (2, 1): all the",
    ),
    "arguments": (
        ONE,
        ONE,
        {"w": rearranged("w", function=lambda: 0, words="none")},
        "cannot be formed from w (2, 3): ",
    ),
}
MISTAKES = {
    f"{about}: {name}": case
    for about, cases in (("names", NAMES), ("shapes", SHAPES), ("uses", USES), ("layouts", LAYOUTS))
    for name, case in cases.items()
}


@pytest.mark.parametrize(("mlx_shapes", "torch_shapes", "names", "words"), MISTAKES.values(), ids=MISTAKES)
def test_one_mistake_is_one_sentence(mlx_shapes, torch_shapes, names, words):
    assert [words in f"{sentence}." for sentence in problems(mlx_shapes, torch_shapes, names)] == [True]


@pytest.mark.parametrize(
    "function",
    [
        lambda w: w + 1,
        lambda w: np.roll(w + 1, 1),
        lambda w: 2 * w[:1],
        lambda w: -9 * w,
        lambda w: np.sort(w[::-1], axis=0),
        lambda w: np.where(w == 3, 0, w),
        lambda w: np.zeros_like(w),
        lambda w: np.arange(6).reshape(2, 3),
        lambda w: w.astype(np.float64),
        lambda w: w.astype(np.int32),
        lambda w: w > 2,
        lambda w: None,
    ],
)
def test_a_layout_may_only_move_entries(function):
    """Even if what it computes happens to be serial numbers again."""
    (sentence,) = problems(ONE, ONE, {"w": rearranged("w", function=function, words="odd")})
    assert sentence == "MLX's w = rearranged(w, odd) changes values, and a layout may only move entries"


@pytest.mark.parametrize("index", [-1, 3])
def test_a_part_that_does_not_exist(index):
    with pytest.raises(UsageError, match=f"the parts of w are numbered from 0 to 2, and there is no part {index}"):
        part("w", index, of=3)


def test_the_nearest_name_is_of_the_same_layer():
    torch_shapes = {f"h.{i}.q.weight": (1,) for i in range(9)}
    sentence = problems({"wq": (1,)}, torch_shapes, {"wq": "h.7.p.weight"})[0]
    assert sentence == "MLX's wq = h.7.p.weight, but PyTorch has no h.7.p.weight (nearest: h.7.q.weight)"


def test_all_problems_at_once():
    sentences = problems(TWO | {"c": (1,)}, {"a": (3,), "d": (1,)}, {"z": "a", "c": "d"})
    assert len(sentences) == 3, sentences
    with pytest.raises(MismatchError, match=r"^3 things .* do not fit:\n  MLX has no parameter 'z'.*\.\n  MLX's a = a"):
        match(TWO | {"c": (1,)}, {"a": (3,), "d": (1,)}, {"z": "a", "c": "d"})


def test_a_long_list_is_cut_in_the_message_only():
    shapes = {f"w{i}": (1,) for i in range(SHOWN + 5)}
    with pytest.raises(MismatchError) as caught:
        match({}, shapes)
    assert len(caught.value.problems) == SHOWN + 5
    lines = str(caught.value).splitlines()
    assert len(lines) == SHOWN + 2 and lines[-1] == "  and 5 more."


# Models --------------------------------------------------------------------------------------------------------------


def shapes_of(mlx_module, torch_module) -> tuple[dict, dict]:
    return (
        {name: x.shape for name, x in tree_flatten(mlx_module.parameters())},
        {name: x.shape for name, x in torch_module.named_parameters()},
    )


def test_a_convolution_of_either_framework():
    result = match(
        *shapes_of(mlx_nn.Conv2d(3, 8, 5), torch.nn.Conv2d(3, 8, 5)), {"weight": permuted("weight", (0, 2, 3, 1))}
    )
    assert isinstance(result, Names)
    assert result.described() == ["weight = permuted(weight, (0, 2, 3, 1))", "bias = bias"]


def test_without_parameters():
    assert match({}, {}).to_mlx({}) == {}
