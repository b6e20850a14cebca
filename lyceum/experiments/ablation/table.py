"""What a screening found, as records for `--systems` and as the table of RESULTS.md."""

from __future__ import annotations

import numpy as np

from lyceum.experiments.ablation.arms import Arm
from lyceum.training.evaluation import paired, ratio


def record(arm: Arm, own: list[np.ndarray], reference: list[np.ndarray], time: tuple, parameters: int) -> dict:
    """One arm's effect: own and reference hold the losses (K, T) of each seed, in the same order.

    difference: full_vloss of the arm less that of the default, nats per token, less than 0 if the change is a gain;
    error: its paired standard error. by_seed: the difference on each seed.
    """
    difference, error = paired(np.mean(reference, axis=0), np.mean(own, axis=0))
    return {
        "change": arm.change,
        "full_vloss": float(np.mean([_mean(losses) for losses in own])),
        "difference": difference,
        "error": error,
        "by_seed": [paired(theirs, ours)[0] for ours, theirs in zip(own, reference, strict=True)],
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
    for name, found in records.items():
        if not found["change"]:
            gains = ["", *("" for _ in seeds), "1"]
        else:
            gains = [
                f"{found['difference']:+.4f} ± {found['error']:.4f}",
                *(f"{one:+.4f}" for one in found["by_seed"]),
                f"{found['time']:.2f} ({found['time_low']:.2f} to {found['time_high']:.2f})",
            ]
        cells = [name, found["change"], f"{found['full_vloss']:.4f}", *gains, f"{found['parameters']:,}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
