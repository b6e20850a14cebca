"""Which variants are run, and the slope that checks the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum.contract import UsageError
from parity.bounds.differences import central, one_sided, ridders
from parity.sides import variants as module
from parity.sides.variants import ORACLE, Variant, plain, variants


def names(*arguments, **options) -> list[str]:
    return [str(variant) for variant in variants(*arguments, **options)]


def test_the_oracle_is_no_variant():
    assert names(("float64", "float32")) == ["mlx float64", "torch float32", "mlx float32"]
    assert names(("bfloat16",)) == ["torch bfloat16", "mlx bfloat16"]


def test_compiled_in_every_precision_but_float64():
    result = names(("float64", "float32"), compiled=("mlx",))
    assert result == ["mlx float64", "torch float32", "mlx float32", "mlx float32 compiled"]


def test_devices_of_this_machine(monkeypatch):
    monkeypatch.setattr(module, "devices", lambda: {"torch": ("mps",), "mlx": ("metal",)})
    result = names(("float64", "float16"), everywhere=True)
    assert result[-2:] == ["torch float16 on mps", "mlx float16 on metal"] and len(result) == 5


def test_what_there_is(monkeypatch):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("mlx.core.metal.is_available", lambda: True)
    assert module.devices() == {"torch": ("mps",), "mlx": ("metal",)}
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("mlx.core.metal.is_available", lambda: False)
    monkeypatch.setattr("mlx.core.cuda.is_available", lambda: True)
    assert module.devices() == {"torch": ("cuda",), "mlx": ("cuda",)}


def test_plain_variants():
    chosen = (
        Variant("mlx", "float32"),
        Variant("mlx", "float32", compiled=True),
        Variant("mlx", "float16"),
        Variant("torch", "float32"),
    )
    assert plain(chosen) == [ORACLE, Variant("mlx", "float32"), Variant("torch", "float32")]


@pytest.mark.parametrize(
    ("arguments", "words"), [((("float31",),), "no precision 'float31'"), (((), ("jax",)), "'jax'")]
)
def test_unknown_words(arguments, words):
    with pytest.raises(UsageError, match=words):
        list(variants(*arguments))


FUNCTIONS = {
    "sine": (np.sin, 1.0),
    "steep": (lambda h: np.tanh(3e3 * h), 3e3),
    "sharp": (lambda h: np.exp(500 * h), 500.0),
    "root": (lambda h: np.sqrt(1e-6 + h * h) + h, 1.0),
    "polynomial": (lambda h: 1 + 2 * h + 5 * h**3 - h**7, 2.0),
    "kinks": (lambda h: np.sin(h) + abs(h - 1e-4) + abs(h + 3e-6) + abs(h - 1e-6), 0.0),
}


def within(enough: float, claimed: float):
    """Ends a table once the claimed slope agrees and no error above `enough` is left."""
    return lambda slope, error: error <= enough and abs(slope - claimed) <= error


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("enough", (0.0, 1e-6))
def test_a_slope_lies_within_its_bound(name, enough):
    f, true = FUNCTIONS[name]
    measured = ridders(central(f), 2.0**-10, 2.0**-50, within(enough, true))
    assert abs(measured.value - true) <= measured.error
    assert measured.error < 1e-4 * max(1.0, true), "and the bound says something"


def test_enough_ends_the_table_early():
    calls = []
    ridders(central(lambda h: calls.append(h) or np.sin(h)), 2.0**-10, 2.0**-50, within(1e-6, 1.0))
    few = len(calls)
    ridders(central(lambda h: calls.append(h) or np.sin(h)), 2.0**-10, 2.0**-60, within(0.0, 1.0))
    assert few < len(calls) - few


def test_a_wrong_gradient_is_followed_to_the_end_of_the_table():
    measured = ridders(central(np.sin), 2.0**-10, 2.0**-50, within(1e-6, 1.001))
    assert abs(measured.value - 1) <= measured.error < 1e-3 and measured.step < 2.0**-10


@pytest.mark.parametrize(("f", "left", "right"), [(abs, -1, 1), (np.sin, 1, 1), (lambda h: max(h, 0.0) + h * h, 0, 1)])
def test_the_slopes_to_both_sides(f, left, right):
    for side, true in ((-1, left), (1, right)):
        measured = ridders(one_sided(f, side), 2.0**-10, 2.0**-50, growth=2)
        assert abs(measured.value - true) <= measured.error < 1e-5
