"""The results of an ablation as records and as the Markdown table of RESULTS.md."""

from __future__ import annotations

import numpy as np

from lyceum.experiments.ablation.compositions import Composition
from lyceum.training.evaluation import paired, ratio


def record(
    composition: Composition, losses: list[np.ndarray], reference: list[np.ndarray], time: tuple, parameters: int
) -> dict:
    """The effect of one composition. losses, reference: its losses and the default's, (K, T) for each seed, in order.

    difference: full_vloss of the composition less that of the default, nats per token; below 0, the change is a gain.
    error: its paired standard error. by_seed: the difference on each seed.
    """
    difference, error = paired(np.mean(reference, axis=0), np.mean(losses, axis=0))
    return {
        "change": composition.change,
        "full_vloss": float(np.mean([_mean(one) for one in losses])),
        "difference": difference,
        "error": error,
        "by_seed": [paired(theirs, ours)[0] for ours, theirs in zip(losses, reference, strict=True)],
        "time": time[0],
        "time_low": time[1],
        "time_high": time[2],
        "parameters": parameters,
    }


def _mean(losses: np.ndarray) -> float:
    return ratio(losses, np.isfinite(losses))[0]


def markdown(records: dict[str, dict], seeds: list[int]) -> str:
    """The records by system, the default first, as a Markdown table."""
    lines = [
        f"| system | change | full_vloss | difference | {' | '.join(f'seed {seed}' for seed in seeds)} "
        "| time per iteration | parameters |",
        "|---" * (6 + len(seeds)) + "|",
    ]
    for name, effect in records.items():
        if not effect["change"]:
            differences = ["", *("" for _ in seeds), "1"]
        else:
            differences = [
                f"{effect['difference']:+.4f} ± {effect['error']:.4f}",
                *(f"{one:+.4f}" for one in effect["by_seed"]),
                f"{effect['time']:.2f} ({effect['time_low']:.2f} to {effect['time_high']:.2f})",
            ]
        cells = [name, effect["change"], f"{effect['full_vloss']:.4f}", *differences, f"{effect['parameters']:,}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
