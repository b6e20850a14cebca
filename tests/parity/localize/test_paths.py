"""Which submodule is which, and which parameters belong to the two."""

from __future__ import annotations

import numpy as np
import pytest
from mlx import nn as mlx_nn
from torch import nn as torch_nn

from parity import fused, part
from parity.localize.paths import matched_paths, path_by_parameters, submodule_parameters
from parity.mapping import match
from parity.sides.mlx_side import MlxSide
from parity.sides.torch_side import TorchSide


def pairing(mlx, torch, names=None):
    ours, theirs = MlxSide(mlx).parameters(), TorchSide(torch).parameters()
    shapes = ({name: x.shape for name, x in arrays.items()} for arrays in (ours, theirs))
    return match(*shapes, names), theirs


class MlxModel(mlx_nn.Module):
    """Two layers; the second has its bias beside it."""

    def __init__(self):
        super().__init__()
        self.first, self.second = mlx_nn.Linear(2, 3), mlx_nn.Linear(3, 4, bias=False)
        self.shift = self.second.weight[:, 0]


class TorchModel(torch_nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = torch_nn.Linear(2, 3), torch_nn.Linear(3, 4)


NAMES = {"first.weight": "one.weight", "first.bias": "one.bias", "second.weight": "two.weight", "shift": "two.bias"}


def test_a_submodule_has_what_is_made_of_its_counterpart_wherever_mlx_keeps_it():
    ours, theirs = MlxModel(), TorchModel()
    names, parameters = pairing(ours, theirs, NAMES)
    chosen, values = submodule_parameters("second", theirs.two, theirs, names, parameters)
    assert set(chosen.targets) == set(chosen.indices) == {"second.weight", "shift"}
    assert set(values) == {"two.weight", "two.bias"}
    assert chosen.to_mlx(values).keys() == {"second.weight", "shift"}


def test_a_submodule_has_no_more():
    ours, theirs = MlxModel(), TorchModel()
    names, parameters = pairing(ours, theirs, NAMES)
    chosen, values = submodule_parameters("first", theirs.one, theirs, names, parameters)
    assert set(chosen.targets) == {"first.weight", "first.bias"} and set(values) == {"one.weight", "one.bias"}
    chosen, values = submodule_parameters("", theirs, theirs, names, parameters)
    assert set(chosen.targets) == set(NAMES) and set(values) == set(parameters)


def test_a_part_of_a_fused_weight_brings_all_of_it():
    """PyTorch's one matrix is cut in two by MLX: the counterpart of either half is given all of the matrix."""

    class Fused(torch_nn.Module):
        def __init__(self):
            super().__init__()
            self.both = torch_nn.Linear(2, 6, bias=False)

    class Halves(mlx_nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = mlx_nn.Linear(2, 3, bias=False), mlx_nn.Linear(2, 3, bias=False)

    theirs = Fused()
    rules = {"a.weight": part("both.weight", 0, of=2), "b.weight": part("both.weight", 1, of=2)}
    names, parameters = pairing(Halves(), theirs, rules)
    chosen, values = submodule_parameters("a", theirs.both, theirs, names, parameters)
    assert set(chosen.targets) == {"a.weight", "b.weight"} and set(values) == {"both.weight"}
    assert np.array_equal(chosen.to_mlx(values)["b.weight"], parameters["both.weight"][3:])


@pytest.mark.parametrize(("path", "counterpart"), [("first", "one"), ("second", "two"), ("", None)])
def test_parameters_name_the_counterpart(path, counterpart):
    names, _ = pairing(MlxModel(), TorchModel(), NAMES)
    assert path_by_parameters(path, names) == counterpart


def test_a_layout_names_no_counterpart():
    ours, theirs = mlx_nn.Sequential(mlx_nn.Linear(2, 6, bias=False)), torch_nn.ModuleDict()
    theirs["q"], theirs["k"] = torch_nn.Linear(2, 3, bias=False), torch_nn.Linear(2, 3, bias=False)
    names, _ = pairing(ours, theirs, {"layers.0.weight": fused("q.weight", "k.weight")})
    assert path_by_parameters("layers.0", names) is None
    assert matched_paths(ours, theirs, names) == {"": ""}


def test_parameters_must_all_agree_on_the_counterpart():
    names, _ = pairing(MlxModel(), TorchModel(), NAMES | {"first.bias": fused("one.bias")})
    assert path_by_parameters("first", names) is None


def test_what_the_user_says_wins():
    names, _ = pairing(MlxModel(), TorchModel(), NAMES)
    assert matched_paths(MlxModel(), TorchModel(), names) == {"": "", "first": "one", "second": "two"}
    assert matched_paths(MlxModel(), TorchModel(), names, {"first": "two"})["first"] == "two"


def test_of_two_rules_the_first_that_fits_wins():
    names, _ = pairing(MlxModel(), TorchModel(), NAMES)
    assert matched_paths(MlxModel(), TorchModel(), names, [("first", "two"), (".+", "one")])["first"] == "two"
