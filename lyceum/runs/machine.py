"""What a run ran on: enough to explain a difference in its last digit or in its speed, and nothing personal."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def versions(backend: str) -> dict[str, str]:
    """Versions of Python, NumPy and the framework (by its distribution's name, so that neither is imported here)."""
    packages = {name: importlib.metadata.version(name) for name in ("numpy", backend)}
    return {"python": platform.python_version(), **packages}


def describe() -> dict[str, object]:
    """System, processor, threads and git revision, as JSON-able values."""
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "threads": _usable_cores(),
        "thread_variables": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        "git_revision": git_revision(),
    }


def git_revision(root: Path = ROOT) -> str | None:
    """The commit of this project, with "-dirty" if it was edited since; None outside a clone of it."""
    top = _output("git", "-C", str(root), "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != root:  # a copy of the project inside somebody else's repository
        return None
    return _output("git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    if platform.system() == "Darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def process_peak() -> int:
    """The most memory that this process has had, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
