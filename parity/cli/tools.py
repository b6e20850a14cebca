"""The commands of `python -m parity` whose answer is not a list of verdicts: see `parity.cli.commands`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from parity.results.console import console, plain, put, rows, save
from parity.results.environment import environment
from parity.results.table import share


def edits(title: str, column: str, outcomes: Iterable, silent: str, loud: str) -> Table:
    """Edits of the source and the verdicts that turned red; silent: what to say where none did."""
    drawn = rows(title, "backend", "edit", column, "red", "error / bound")
    for outcome in outcomes:
        verdict, record = outcome.verdict, outcome.edit
        said = (
            (f"{loud}{escape(f'{verdict.case}, {verdict.variant}')}", f"{share(verdict):.0e}")
            if verdict
            else (silent, "")
        )
        drawn.add_row(outcome.backend, record.name, escape(record.note), *said)
    return drawn


def on(seeds: int) -> str:
    return "one seed" if seeds == 1 else f"each of {seeds} seeds"


def mutants(options: Namespace) -> int:
    """Planted faults and harmless rewrites."""
    from parity import mutation as faults
    from parity.mutation import rewrites

    out, seeds = console(), range(options.seeds)
    with out.status("checking the unchanged backends ..."):
        red = [verdict for verdict in faults.healthy(seeds) if not verdict.ok]
    for verdict in red:
        out.print(f"without any fault: {verdict.sentence()}", style="red", markup=False, soft_wrap=True)
    with out.status("planting faults ..."):
        planted = list(faults.run(seeds))
    with out.status("rewriting ..."):
        rewritten = list(rewrites.run(seeds))
    out.print(edits("Planted faults", "what a person would have done", planted, "[red]nothing[/]", ""))
    caught = sum(outcome.caught for outcome in planted)
    out.print(f"{caught} of {len(planted)} planted faults caught on {on(options.seeds)}.\n")
    out.print(edits("Harmless rewrites", "why nothing changes", rewritten, "nothing", "[red]"))
    flagged = sum(outcome.flagged for outcome in rewritten)
    out.print(f"{flagged} of {len(rewritten)} harmless rewrites flagged on {on(options.seeds)}.")
    records = [{"record": "environment"} | environment(), *(o.record() for o in (*planted, *rewritten))]
    save(options, records)
    return 1 if red or flagged or caught < len(planted) else 0


def audit(options: Namespace) -> int:
    """Kernels on Apple's GPU."""
    from parity.mps_audit import audit as rows_of_audit

    out = console()
    with out.status("following both backends ..."):
        found = list(rows_of_audit())
    for backend, what in (("torch", "operator"), ("mlx", "primitive")):
        own = [row for row in found if row.backend == backend]
        drawn = rows(f"{backend} on Apple's GPU", what, "first met in", "served by", "verdict")
        for row in own:
            drawn.add_row(row.name, row.where, escape(row.served), "[green]ok[/]" if row.ok else "[red]red[/]")
        out.print(drawn)
        out.print(f"{backend}: {sum(row.ok for row in own)} of {len(own)} green.\n")
    red = [row for row in found if not row.ok]
    for row in red:
        out.print(row.sentence(), style="red", markup=False, soft_wrap=True)
    out.print("This is a check by table, not a run on Apple hardware.")
    save(options, [{"record": "environment"} | environment(), *({"record": "audit"} | asdict(r) for r in found)])
    return 1 if red else 0


def perturb(options: Namespace) -> int:
    """A full run's start, moved by one ulp."""
    from parity.project.perturb import perturb as write_start
    from train_mps import FIXED

    place = write_start(FIXED, options.out, options.backend, options.persona, options.seed, options.control)
    console().print(f"wrote {place}; train it with python train_mps.py --resume {place}", markup=False, soft_wrap=True)
    return 0


def quantizers(options: Namespace) -> int:
    """What fewer bits cost."""
    from parity.project.quantizers import run

    out, found = console(), []
    with out.status("quantizing ..."):
        found.extend(run(options.run))
    title = f"full_vloss of {escape(options.run)}, quantized"
    drawn = rows(title, "", "bits a weight", "full_vloss", "difference", "se")
    for one in found:
        figures = f"{one.bits:.3f}", f"{one.loss:.4f}", f"{one.difference:+.4f}", f"{one.error:.4f}"
        drawn.add_row(escape(one.name), *figures)
    out.print(drawn)
    save(options, [{"record": "environment"} | environment(), *({"record": "quantizer"} | asdict(o) for o in found)])
    return 0


def report(options: Namespace) -> int:
    """One HTML page."""
    from parity.results.page import read, render
    from parity.results.page.head import claims
    from parity.results.page.reading import run

    out = console()
    records = read(options.files) if options.files else everything(out)
    put(options.out, render(records).encode(), "--out")
    made = claims(run(records))
    for claim in made:
        out.print(
            f"{claim.sentence()}{': ' * bool(claim.trouble)}{claim.trouble}.",
            style="red" if claim.trouble else "",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"wrote {options.out}", markup=False, soft_wrap=True)
    return 1 if any(claim.trouble for claim in made) else 0


def everything(out: Console) -> list[dict]:
    """The records of all checks but those of time, which want a machine for themselves: run now."""
    from parity import mutation as faults
    from parity.bench.costs import costs
    from parity.compare.variants import variants
    from parity.mps_audit import audit as rows_of_audit
    from parity.mutation import rewrites
    from parity.project import checks
    from parity.project.training import verdicts
    from parity.results.findings import recorded

    chosen = tuple(variants(("float64", "float32", "bfloat16", "float16"), compiled=("mlx",)))
    parts = {
        "cases": lambda: (recorded(v) for run in checks.cases().values() for v in run(0, chosen)),
        "theorems": lambda: (recorded(v) for run in checks.proofs().values() for v in run(0)),
        "training": lambda: map(recorded, verdicts()),
        "faults": lambda: (outcome.record() for outcome in faults.run()),
        "rewrites": lambda: (outcome.record() for outcome in rewrites.run()),
        "audit": lambda: ({"record": "audit"} | asdict(row) for row in rows_of_audit()),
        "costs": lambda: (record for make in checks.pairs().values() for record in costs(*make())),
    }
    records = [{"record": "environment"} | environment()]
    for name, part in parts.items():
        with out.status(f"{name} ..."):
            records += part()
    return [plain(record) for record in records]
