"""Pictures of losses over the iterations: loss.png of one run, and the validation curves of several.

One batch of 512 tokens is noisy (a standard deviation of about 0.15 nats), so the measured values are drawn faintly and
their centred moving average boldly. Near the ends the window is cut to what there is. A run of few evaluations has the
measured values alone.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np

WINDOW = 9
COLOURS = {"training": "#9a6b1f", "validation": "#1f4e9a"}
EARLY = 0.1  # of the iterations: their losses, far above all later ones, are cut off where curves are compared
LONG = 21  # evaluations from which on there is an average, and early losses are cut off


def moving_average(values: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """The mean of each value (N,) and its neighbours up to window // 2 entries away, fewer at the ends."""
    half = window // 2
    return np.array([values[max(0, i - half) : i + half + 1].mean() for i in range(len(values))])


def draw(history: list[dict], title: str, full_vloss: float | None) -> bytes:
    """The figure of one run as PNG bytes.

    history: the evaluations, as in metrics.jsonl. full_vloss: nats per token, None for an unfinished run.
    """
    figure, axes = _axes()
    for name, key in (("training", "train_loss"), ("validation", "val_loss")):
        _curve(axes, history, key, name, COLOURS[name])
    if full_vloss is not None:
        axes.axhline(full_vloss, color="0.4", linewidth=1, linestyle="--", label=f"full_vloss {full_vloss:.3f}")
    axes.set_xlim(0, max(history[-1]["step"], 1))
    return _png(figure, axes, title)


def draw_validation(histories: Mapping[str, list[dict]], title: str) -> bytes:
    """The validation curves of several runs, by their names in the legend, as PNG bytes."""
    figure, axes = _axes()
    smooth = [_curve(axes, history, "val_loss", name, f"C{i}") for i, (name, history) in enumerate(histories.items())]
    axes.set_xlim(0, max(1, *(history[-1]["step"] for history in histories.values())))
    if min(map(len, smooth)) >= LONG:
        low, high = min(map(np.min, smooth)), max(values[int(EARLY * len(values))] for values in smooth)
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    return _png(figure, axes, title)


def _axes():
    # Imported here: it takes half a second, and a run may end before it is needed.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _curve(axes, history: list[dict], key: str, label: str, colour: str) -> np.ndarray:
    """Draws one curve; returns its moving average, or the measured values if there are few."""
    steps, losses = (np.array([line[name] for line in history]) for name in ("step", key))
    if len(losses) < LONG:
        axes.plot(steps, losses, ".-", color=colour, linewidth=2, markersize=8, label=label)
        return losses
    smooth = moving_average(losses)
    axes.plot(steps, losses, ".", color=colour, alpha=0.35, markersize=4)
    axes.plot(steps, smooth, color=colour, linewidth=2, label=f"{label} (moving average)")
    return smooth


def _png(figure, axes, title: str) -> bytes:
    axes.set(xlabel="iteration", ylabel="loss (nats per token)")
    axes.set_title(title, wrap=True, fontsize=11)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    return picture.getvalue()
