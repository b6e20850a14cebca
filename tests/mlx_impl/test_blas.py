"""The borrowed BLAS: same products up to rounding, faster, and harmless wherever it does not apply.

Every case runs in a new process, because a library's names are bound once per process.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAD = "import json, sys\nfrom mlx_impl import blas\n"
TELL = "print(json.dumps([status.fast, status.reason]))\n"
ON = HEAD + "status = blas.use_fast()\n" + TELL

# A rectangular product, timed on one thread; the operands are the same numbers in every process.
PRODUCT = (
    ON
    + """
import time
import mlx.core as mx
import numpy as np
mx.set_default_device(mx.cpu)
rng = np.random.default_rng(7)
a, b = (mx.array(rng.standard_normal(shape, np.float32)) for shape in ((512, 128), (128, 256)))
np.save(sys.argv[1], np.array(a @ b))
seconds = []
for _ in range(15):
    start = time.perf_counter()
    mx.eval(a @ b)
    seconds.append(time.perf_counter() - start)
print(json.dumps(min(seconds)))
"""
)


def run(code: str, *arguments: str, check: bool = True, **environment: str) -> list | str:
    """Run `code` in a fresh interpreter; its JSON lines, or its standard error where `check` is off."""
    keep = {name: value for name, value in os.environ.items() if name != "LYCEUM_BLAS"}
    path = os.pathsep.join(filter(None, (environment.pop("PYTHONPATH", ""), str(ROOT))))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=keep | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path} | environment,
    )
    if not check:
        return done.stderr
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def applies() -> bool:
    """Whether this machine and its packages are the case the module is made for."""
    return run(ON)[0][0]


def test_products_agree_within_rounding_and_are_faster(tmp_path, record_property):
    if not applies():
        pytest.skip(f"no borrowed BLAS here: {run(ON)[0][1]}")
    files = {switch: tmp_path / f"{switch}.npy" for switch in ("mlx", "auto")}
    (off, slow), (on, fast) = (run(PRODUCT, str(file), LYCEUM_BLAS=switch) for switch, file in files.items())
    assert not off[0] and on[0]
    record_property("speed_ratio", slow / fast)
    print(f"speed ratio {slow / fast:.1f}: {2 * 512 * 128 * 256 / fast / 1e9:.0f} GFLOP/s")
    assert slow / fast > 1

    rng = np.random.default_rng(7)
    a, b = (rng.standard_normal(shape, np.float32).astype(np.float64) for shape in ((512, 128), (128, 256)))
    # A sum of k products has k roundings of products and k of partial sums, in whatever order. Independent errors of at
    # most u each add up to less than sqrt(k) u |a||b|, taken as one standard deviation (a uniform error of half-width u
    # has u/sqrt(3)); beyond six of them lies one entry in 5e8. |a||b| is the product of the magnitudes.
    bound = 6 * np.sqrt(128) * 2.0**-24 * (np.abs(a) @ np.abs(b))
    for switch, file in files.items():
        assert (np.abs(np.load(file) - a @ b) <= bound).all(), f"LYCEUM_BLAS={switch} is off by more than rounding"


def test_off_switch():
    assert run(ON, LYCEUM_BLAS="mlx")[0] == [False, "MLX's BLAS: off by LYCEUM_BLAS=mlx"]


def test_bad_value_is_one_sentence():
    error = run(ON, check=False, LYCEUM_BLAS="fast").strip().splitlines()[-1]
    assert error.startswith("ValueError: LYCEUM_BLAS is 'fast': set it to auto") and error.endswith(".")


# What each obstacle does before the package is first imported, and a word of the reason it must lead to.
COMPUTE = "import mlx.core as mx\nassert (mx.ones((2, 2)) @ mx.ones((2, 2))).tolist() == [[2, 2], [2, 2]]\n"
OBSTACLES = {
    "torch absent": ("import sys; sys.modules['torch'] = None\n", "PyTorch is not installed"),
    "mlx first": ("import mlx.core\n", "mlx.core was imported first"),
    "macOS": ("import platform; platform.system = lambda: 'Darwin'\n", "nothing to replace on Darwin"),
    "ARM": ("import platform; platform.machine = lambda: 'aarch64'\n", "nothing to replace on Linux aarch64"),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_obstacle_is_an_answer(name):
    before, reason = OBSTACLES[name]
    if not applies() and name != "macOS":
        pytest.skip("another obstacle answers first on this machine")
    ((fast, why),) = run(before + ON + COMPUTE)
    assert not fast and reason in why


@pytest.mark.parametrize("content, reason", [(b"not a library", "does not load"), (None, "does not load")])
def test_torch_library_that_does_not_load(tmp_path, content, reason):
    if not applies():
        pytest.skip("no library is looked for on this machine")
    folder = tmp_path / "torch" / "lib"
    folder.mkdir(parents=True)
    (tmp_path / "torch" / "__init__.py").touch()
    if content:
        (folder / "libtorch_cpu.so").write_bytes(content)
    ((fast, why),) = run(ON + COMPUTE, PYTHONPATH=str(tmp_path))
    assert not fast and reason in why


def test_library_without_the_exports_is_refused(tmp_path):
    if not applies():
        pytest.skip("no library is looked for on this machine")
    folder = tmp_path / "torch" / "lib"
    folder.mkdir(parents=True)
    (tmp_path / "torch" / "__init__.py").touch()
    import _ctypes  # a shared library that certainly loads, and is no BLAS

    (folder / "libtorch_cpu.so").symlink_to(_ctypes.__file__)
    ((fast, why),) = run(ON + COMPUTE, PYTHONPATH=str(tmp_path))
    assert not fast and "does not export sgemm_" in why


def test_torch_is_not_imported_and_works_later():
    code = (
        ON
        + COMPUTE
        + """
assert "torch" not in sys.modules
import torch
a = torch.arange(6.0).reshape(2, 3)
print(json.dumps((a @ a.T).tolist()))
a.requires_grad_(True)
(a @ a.T).sum().backward()
print(json.dumps(a.grad.tolist()))
"""
    )
    _, product, grad = run(code)
    assert product == [[5, 14], [14, 50]] and grad == [[6, 10, 14], [6, 10, 14]]


def test_torch_imported_first_still_serves():
    if not applies():
        pytest.skip("no borrowed BLAS here")
    ((fast, _),) = run("import torch\n" + ON + COMPUTE)
    assert fast


def test_asked_twice_answers_the_same():
    first, second = run(ON + "import mlx.core\nstatus = blas.use_fast()\n" + TELL)
    assert first == second


def test_this_machine_is_the_case_it_is_made_for():
    """On Linux x86-64 with both packages from their usual wheels, the answer must be yes: no silent fallback."""
    wheels = run(
        HEAD + "print(json.dumps([any(any(f.parent.glob('mlx_cpu.libs/libblas-*')) "
        "for f in blas._package_folders(n)) for n in ('mlx', 'torch')]))"
    )[0]
    expected = (platform.system(), platform.machine()) == ("Linux", "x86_64") and all(wheels)
    assert applies() == expected
