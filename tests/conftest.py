"""One thread for every test: the tensors are tiny, and threads would only wait for each other.."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

import mlx_impl  # noqa: E402, F401 - lends MLX a fast BLAS, which works only before mlx.core is first imported

# Drawing takes longer on a machine that does other work as well: no fault of what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
SLOW_SECONDS = 1800  # for one slow test, on a machine that does other work as well


def pytest_collection_modifyitems(items):
    """Slow tests may take longer than the others."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))
