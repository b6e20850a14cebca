"""Records of imagined runs, for the tests of the HTML and JUnit reports."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from parity.results.verdict import Verdict, compare, limited

HOSTILE = "</script><b>bold</b>: \"quotes\" & 'more' <img src=x onerror=alert(1)>"
ENVIRONMENT = {
    "record": "environment",
    "versions": {"python": "3.11.7", "torch": "2.13.0", "mlx": "0.32.4"},
    "cpu": "Imagined Processor",
    "torch_threads": 1,
    "torch_float32_matmul": "highest",
    "git_revision": "0123456789ab" + 28 * "c" + "-dirty",
    "thread_variables": {},
}


def verdict(
    case: str, variant: str, what: str = "output", error: float = 1e-4, derivation: str = "by decree"
) -> Verdict:
    """A verdict whose bound is 1e-3, so 0.1 of it is used up unless an error is given."""
    got = np.array([0.5, 1.0 + error])
    return compare(case, variant, what, got, np.array([0.5, 1.0]), 1e-3, derivation)


def planted(record_type: str, name: str, backend: str, by: Verdict | None) -> dict:
    """A fault or a rewrite, and the failed verdict it led to."""
    note = {"fault": "mistake", "rewrite": "reason"}[record_type]
    edit = {"name": name, note: f"made {name}", "module": "r", "check": "c", "torch": ["a < b", "b > a"]}
    answer = {"fault": "caught", "rewrite": "flagged"}[record_type]
    outcome = {"record": record_type, answer: by is not None, "backend": backend, "verdict": by and asdict(by)}
    return outcome | {record_type: edit | {"mlx": ["c", "d"]}}


def localized() -> list[dict]:
    """A localization of three calls: one agrees, one diverges, one was not compared."""
    divergent = call("norm1", {"forward": verdict("norm1", "mlx float64", error=0.5)})
    calls = [call("embed", {"forward": verdict("embed", "mlx float64", error=0.0)}), divergent]
    calls.append(call("lookup", {}, "it is called with integers alone"))
    keys = dict(stage="forward", path="norm1", method="__call__", name="norm1", skipped=0)
    summary = {"first_divergence": keys | {"verdict": divergent["verdicts"]["forward"]}, "unpaired": ["dropout"]}
    return [*calls, {"record": "first_divergence", "ok": False} | summary]


def call(name: str, verdicts: dict[str, Verdict], reason: str = "") -> dict:
    stages = {stage: asdict(verdict) for stage, verdict in verdicts.items()}
    fields = dict(path=name, method="__call__", name=name, verdicts=stages, missing=(), reason=reason)
    return {"record": "call", "ok": all(v.ok for v in verdicts.values())} | fields


def timing(name: str, ratio: float, budget: float | None = None) -> dict:
    figures = dict(seconds=0.25 * ratio, ratio=ratio, low=0.9 * ratio, high=1.1 * ratio, budget=budget)
    return {"record": "timing", "name": name, "device": "cpu"} | figures


def overhead(share: float) -> dict:
    figures = {"seconds": 2.0, "share": share, "plain": 3.0, "rounding": 0.4, "budget": 0.2}
    return {"record": "overhead", "evaluations": {"torch float64": (3, 0.5)}} | figures


def audited(name: str, ok: bool) -> dict:
    return {"record": "audit", "backend": "torch", "name": name, "where": "norm", "served": "kernel k", "ok": ok}


def passing() -> list[dict]:
    """Ten verdicts on three cases of two layers, one a limitation; a fault in both backends; no other record type."""
    variants = ("torch float64", "mlx float64", "mlx float32", "reference slope")
    verdicts = [verdict(case, variant) for case in ("norm: typical", "norm: constant") for variant in variants]
    verdicts[1] = verdict("norm: typical", "mlx float64", error=0.0)
    verdicts.append(verdict("mlp: zero", "mlx float32"))
    verdicts.append(limited("mlp: zero", "mlx float32 compiled", "all", "no tracing"))
    faults = [
        planted("fault", "wrong eps", backend, verdict("norm: typical", "mlx float64", error=1)) for backend in BACKENDS
    ]
    return [ENVIRONMENT, *(v.record() for v in verdicts), *faults]


BACKENDS = ("torch", "mlx")


def failing() -> list[dict]:
    """The passing run with one failure of every record type, a missing number, and hostile names."""
    verdicts = [
        verdict("norm: typical", "mlx float32", "weight", error=0.02, derivation="eight times the deviation"),
        verdict("norm: typical", "mlx float32", "bias", error=np.nan),
        verdict("norm: constant", "mlx float32", "weight", error=9e-4),
        verdict(HOSTILE, "mlx float32", HOSTILE, derivation=HOSTILE),
        limited("norm: typical", "torch float64", "second order", HOSTILE),
    ]
    others = [
        planted("fault", "swapped heads", "mlx", None),
        planted("rewrite", "sum in another order", "mlx", None),
        planted("rewrite", "product in another order", "torch", verdict("norm: typical", "torch float64", error=1)),
        timing("baseline-torch", 1.0),
        timing("aristotle-torch", 0.2, budget=0.15),
        overhead(0.01),
        overhead(0.9),
        audited("aten::add", True),
        audited("aten::cholesky", False),
        {"record": "cost", "case": "norm: typical", "variant": "mlx float32", "seconds": 0.125, "peak_bytes": 2**21},
        {"record": "cost", "case": "norm: typical", "variant": "torch float64", "seconds": 0.5, "peak_bytes": None},
    ]
    return passing() + [v.record() for v in verdicts] + localized() + others
