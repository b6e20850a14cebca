"""Models and inputs as they are named on a command line, and one sentence for each mistake."""

from __future__ import annotations

import numpy as np
import pytest
from mlx import nn as mlx_nn
from torch import nn as torch_nn

from lyceum.contract import UsageError
from parity.compare.inputs import arguments, integers
from parity.localize import localize
from parity.localize.references import load_model, load_object, parse_input
from parity.localize.targets import targets_from

PORT = """
import mlx.nn, torch.nn
ready = mlx.nn.Linear(3, 4)
torch_layer = torch.nn.Linear(3, 4)
names = {"weight": "weight"}
def made():
    return mlx.nn.Linear(3, 4)
def needs(width):
    return mlx.nn.Linear(width, width)
def number():
    return 3
class Net(torch.nn.Linear):
    def __init__(self):
        super().__init__(3, 4)
"""


@pytest.fixture
def port(tmp_path):
    path = tmp_path / "port.py"
    path.write_text(PORT)
    return path


@pytest.mark.parametrize(
    ("name", "framework"), [("ready", mlx_nn), ("made", mlx_nn), ("torch_layer", torch_nn), ("Net", torch_nn)]
)
def test_a_module_or_what_makes_one(port, name, framework):
    assert isinstance(load_model(f"{port}:{name}"), framework.Linear)


def test_a_name_in_a_package():
    assert load_object("parity.localize.references:load_model") is load_model


@pytest.mark.parametrize("order", [("ready", "Net"), ("Net", "ready")])
def test_a_file_is_compared(port, order):
    target = targets_from(*(f"{port}:{name}" for name in order), ["x:2,3"], f"{port}:names")
    assert target.names == {"weight": "weight"} and target.inputs == ((2, 3),)
    assert localize(**vars(target)).first_divergence is None


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("{}:mode", "has no 'mode' (nearest: made"),
        ("{}", "names nothing: say package.module:NAME or path/to/file.py:NAME"),
        ("{}:", "names nothing"),
        ("{}:a-b", "names nothing"),
        ("{}:needs", "needs() fails: TypeError: needs() missing 1 required positional argument"),
        ("{}:number", "number gives 3, which is neither an mlx.nn.Module nor a torch.nn.Module"),
        ("nowhere.py:x", "there is no file nowhere.py"),
        ("no_such_package:x", "import no_such_package fails: ModuleNotFoundError"),
    ],
)
def test_a_reference_that_leads_nowhere_is_one_sentence(port, reference, words):
    with pytest.raises(UsageError) as error:
        load_model(reference.format(port))
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_raises_is_one_sentence(tmp_path):
    path = tmp_path / "raises.py"
    path.write_text("1 / 0")
    with pytest.raises(UsageError, match="raises.py fails: ZeroDivisionError: division by zero"):
        load_object(f"{path}:x")


@pytest.mark.parametrize(
    ("text", "shape", "below"), [("2,16,64", (2, 16, 64), None), ("7", (7,), None), ("ids:2,16<97", (2, 16), 97)]
)
def test_inputs(text, shape, below):
    parsed = parse_input(text)
    assert parsed == (integers(shape, below) if below else shape)
    (drawn,) = arguments((parsed,), np.random.default_rng(0))
    assert drawn.shape == shape and drawn.dtype.kind == ("i" if below else "f")
    assert not below or (drawn.min() >= 0 and drawn.max() < below)


@pytest.mark.parametrize("text", ["", "2x3", "2,,3", "2,0", "<97", "2<", "2<0", "-1", "a:b:2"])
def test_an_input_that_is_none_is_one_sentence(text):
    with pytest.raises(UsageError, match="is no input: say --input 2,16,64"):
        parse_input(text)


@pytest.mark.parametrize("persona", ["baseline", "aristotle"])
def test_a_persona_brings_everything(persona):
    target = targets_from(f"mlx:{persona}", f"torch:{persona}")
    assert len(target.inputs) == 3 and len(target.updates) == 2 and len(target.mlx.blocks) == 2


@pytest.mark.parametrize(
    ("ours", "theirs", "inputs", "names", "words"),
    [
        ("mlx:aristotle", "torch:aristotle", ["2,3"], None, "bring their inputs and names"),
        (
            "mlx:aristotle",
            "torch:baseline",
            [],
            None,
            "are not one persona in two backends: say one of mlx:baseline torch",
        ),
        ("mlx:plato", "torch:plato", [], None, "are not one persona in two backends"),
        ("{}:ready", "torch:baseline", ["2,3"], None, "are not one persona in two backends"),
        ("{}:ready", "{}:Net", [], None, "need inputs: say --input"),
        ("{}:ready", "{}:Net", ["2,3"], "{}:number", "must be a dictionary or a list of pairs"),
        ("{}:made", "{}:ready", ["2,3"], None, "are both modules of MLX: one must be MLX's, one PyTorch's"),
        ("{}:Net", "{}:Net", ["2,3"], None, "are both modules of PyTorch"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_one_sentence(port, ours, theirs, inputs, names, words):
    with pytest.raises(UsageError) as error:
        targets_from(ours.format(port), theirs.format(port), inputs, names and names.format(port))
    assert words in str(error.value)
