"""loss.png: the training and the validation loss over the iterations.

One batch of 512 tokens is noisy (a standard deviation of about 0.15 nats), so the measured values are drawn faintly and
their centred moving average boldly. Near the ends the window is cut to what there is.
"""

from __future__ import annotations

import io

import numpy as np

WINDOW = 9
COLOURS = {"training": "#9a6b1f", "validation": "#1f4e9a"}


def moving_average(values: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """The mean of each value (N,) and its neighbours up to window // 2 places away, fewer at the ends."""
    half = window // 2
    return np.array([values[max(0, i - half) : i + half + 1].mean() for i in range(len(values))])


def draw(history: list[dict], title: str, full_vloss: float) -> bytes:
    """The figure as PNG bytes. history: the evaluations, as in metrics.jsonl. full_vloss: nats per token."""
    # Imported here: it takes half a second, and a run may end before it is needed.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    steps = np.array([line["step"] for line in history])
    for name, key in (("training", "train_loss"), ("validation", "val_loss")):
        losses = np.array([line[key] for line in history])
        axes.plot(steps, losses, ".", color=COLOURS[name], alpha=0.35, markersize=4)
        axes.plot(steps, moving_average(losses), color=COLOURS[name], linewidth=2, label=f"{name} (moving average)")
    axes.axhline(full_vloss, color="0.4", linewidth=1, linestyle="--", label=f"full_vloss {full_vloss:.3f}")
    axes.set(xlabel="iteration", ylabel="loss (nats per token)", xlim=(0, max(steps[-1], 1)))
    axes.set_title(title, wrap=True, fontsize=11)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    return picture.getvalue()
