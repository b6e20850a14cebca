"""Figures are comparable if nothing about the run departs from the contract, and every departure is named."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from matplotlib import image

from lyceum.runs.figure import draw, moving_average
from lyceum.training.progress import Progress
from lyceum.training.result import comparability
from tests.support import toy_backend


def status(steps: int, official: bool, *backends: str) -> dict:
    job = replace(toy_backend.job(), corpus=SimpleNamespace(official=official, source="elsewhere"))
    return comparability(job, Progress(0, {}, sessions=[{"backend": name} for name in backends]), steps)


def test_the_full_contract_on_its_data_is_comparable_even_if_it_was_interrupted():
    expected = {"comparable": True, "not_comparable_because": None}
    assert (
        status(toy_backend.FIXED.max_iters, True, "mlx")
        == status(toy_backend.FIXED.max_iters, True, "mlx", "mlx")
        == expected
    )


def test_every_departure_is_named():
    shortened, other_data, two_backends = (
        status(20, True, "mlx"),
        status(501, False, "mlx"),
        status(501, True, "torch", "mlx"),
    )
    assert shortened["not_comparable_because"] == "shortened to 20 of 501 iterations"
    assert other_data["not_comparable_because"] == "the data are not the contract's (elsewhere)"
    assert two_backends["not_comparable_because"] == "run partly on mlx and partly on torch"
    assert not any(record["comparable"] for record in (shortened, other_data, two_backends))


def test_a_moving_average_keeps_straight_lines_and_cuts_its_window_at_the_ends():
    line = np.arange(20.0)
    assert np.allclose(moving_average(line, 5)[2:-2], line[2:-2], rtol=1e-14)
    assert moving_average(line, 5)[0] == 1 and moving_average(line, 5)[-1] == 18


def test_the_figure_is_a_picture_for_one_evaluation_and_for_many():
    for count in (1, 101):
        history = [{"step": 100 * i, "val_loss": 6.0 - i / 100, "train_loss": 5.0} for i in range(count)]
        picture = image.imread(io.BytesIO(draw(history, "title", 5.0)))
        assert picture.shape[:2] == (675, 1200) and picture.std() > 0.05
