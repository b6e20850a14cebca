"""`python -m screening PERSONA`: see the package."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from lyceum import corpus, personas
from lyceum.cli import systems
from lyceum.contract import UsageError, UserError
from lyceum.experiments.ablation import runs
from lyceum.experiments.ablation.arms import Arm, arms
from lyceum.experiments.ablation.table import markdown, record
from lyceum.runs import files


def screen(options: argparse.Namespace, chosen: list[Arm]) -> dict[str, dict]:
    """The record of every arm, by its system; runs what has not been run."""
    request = dict(backend=options.backend, persona=options.persona, steps=options.steps)
    request["data_dir"] = runs.held_out(options.out) if options.held_out else None
    found = {arm.system: [] for arm in chosen}
    for seed in options.seeds:
        for arm in chosen:
            found[arm.system].append(runs.losses(arm, options.out, seed, **request))
            print(f"{arm.system} {arm.change}, seed {seed}: done", file=sys.stderr, flush=True)
    text = corpus.load(request["data_dir"])
    sizes = runs.sizes(chosen, options.persona, text)
    times = runs.times(chosen, options.persona, options.backend, text, options.rounds)
    reference = found[chosen[0].system]
    return {
        arm.system: record(arm, found[arm.system], reference, times[arm.system], sizes[arm.system]) for arm in chosen
    }


def keep(persona: str, records: dict[str, dict]) -> None:
    """Put the records where `--systems` finds them, beside those of other personas and systems."""
    kept = systems.effects()
    kept[persona] = kept.get(persona, {}) | records
    files.write(systems.EFFECTS, (json.dumps(kept, indent=2) + "\n").encode())


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0, or 1 or 2 after one sentence."""
    parser = argparse.ArgumentParser("python -m screening", description="Measure what each system is worth.")
    parser.add_argument("persona", help="whose systems")
    parser.add_argument("--backend", choices=("mlx", "torch"), default="torch")
    parser.add_argument("--seeds", type=lambda text: [int(part) for part in text.split(",")], default=[1337, 1])
    parser.add_argument("--steps", type=int, default=2000, help="iterations of every run (default: 2000)")
    parser.add_argument("--only", default="", metavar="A,B", help="these systems' switches (default: all)")
    parser.add_argument("--rounds", type=int, default=10, help="rounds of the race for speed (default: 10)")
    parser.add_argument("--out", type=Path, help="where the runs are kept (default: runs/screening-PERSONA)")
    parser.add_argument("--held-out", action="store_true", help="on the last tenth of the training split, to choose by")
    parser.add_argument("--keep", action="store_true", help="put the effects into lyceum/personas/effects.json")
    options = parser.parse_args(argv)
    options.out = options.out or Path("runs", f"screening-{options.persona}{'-held-out' * options.held_out}")
    try:
        chosen = arms(options.persona, [name for name in options.only.split(",") if name])
        records = screen(options, chosen)
        if options.keep:
            keep(options.persona, records)
    except personas.PersonaError as error:
        print(f"screening: {UsageError(str(error))}", file=sys.stderr)
        return UsageError.exit_status
    except UserError as error:
        print(f"screening: {error}", file=sys.stderr)
        return error.exit_status
    print(markdown(records, options.seeds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
