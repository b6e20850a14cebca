"""A fast BLAS for MLX on Linux, taken from an installed PyTorch. `torch_ref` has no twin: PyTorch brings its BLAS.

Idea. MLX's CPU package for Linux carries netlib's reference BLAS: correct, and slow (4 to 5 GFLOP/s on one x86 core).
PyTorch for x86-64 carries Intel's MKL inside `libtorch_cpu.so` (60 to 130 GFLOP/s there). An ELF loader resolves an
undefined symbol in the *global scope* first, and only then in the caller's dependencies. So PyTorch's library, loaded
with RTLD_GLOBAL before MLX, provides the name:

    mlx  ->  cblas_sgemm (reference CBLAS, a thin wrapper)  ->  sgemm_  ->  MKL instead of the reference loop

PyTorch exports the Fortran names (`sgemm_`, `dgemm_`, `cgemm_`, and LAPACK's `spotrf_` and its kin), not `cblas_sgemm`;
that is why we look for `sgemm_`. Its integers are 32-bit (LP64), as in the reference library; we look for a name of
MKL as well, because `sgemm_` alone does not guarantee that.

Why a loader's trick and not an import. The MLX backend must not import PyTorch: none of its Python runs here, its
folder is looked up on the import path (`find_spec` of a top-level name imports nothing). A later `import torch` in the
same process gets the library that is already loaded, and works as usual.

Order matters: libmlx binds its names when it is first loaded. `use_fast()` therefore acts only while `mlx.core` has not
been imported, and everywhere else (macOS, ARM, an MLX build with another BLAS or a GPU, no PyTorch, a library that does
not load) it changes nothing and says why. Results differ by rounding only: the same products are summed in another
order. Cost: 0.3 s and 0.1 GB at start. Off switch: LYCEUM_BLAS=mlx.

Measured with MLX 0.32.4 and PyTorch 2.13 on one thread, GFLOP/s without -> with: 512x32x96 4.6 -> 62, 512x128x32
4.6 -> 72, 256x256x256 4.4 -> 102; batched (512,1,32)@(512,32,197), bound by memory, 3.9 -> 9.8.

Source: Drepper, "How to write shared libraries" (2011), section 1.5.4 on lookup scopes; dlopen(3).
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

SWITCH = "LYCEUM_BLAS"
EXPORTS = ("sgemm_", "dgemm_", "MKL_Get_Version_String")


@dataclass(frozen=True)
class Status:
    """Which BLAS serves MLX: `fast` if PyTorch's MKL does, and one line that says why (or why not)."""

    fast: bool
    reason: str


@functools.cache
def use_fast() -> Status:
    """Let PyTorch's MKL serve MLX's matrix products where possible, once per process; call before importing `mlx.core`.

    Obstacles are reported and not raised. Raises ValueError if LYCEUM_BLAS is neither `auto` nor `mlx`.
    """
    choice = os.environ.get(SWITCH, "auto")
    if choice not in ("auto", "mlx"):
        raise ValueError(f"{SWITCH} is {choice!r}: set it to auto (a fast BLAS where there is one) or mlx (MLX's).")
    if choice == "mlx":
        return Status(False, f"MLX's BLAS: off by {SWITCH}=mlx")
    obstacle = _not_applicable() or _load(_package_folders("torch"))
    if obstacle:
        return Status(False, f"MLX's BLAS: {obstacle}")
    return Status(True, "MKL of PyTorch serves MLX's matrix products")


def _not_applicable() -> str | None:
    """The reason not to look for a fast BLAS at all, or None."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        return f"nothing to replace on {system} {machine}"
    if "mlx.core" in sys.modules:
        return "mlx.core was imported first, and its names are bound"
    # The folder is made by the wheel repair of MLX's CPU package alone; GPU and source builds have no reference BLAS.
    if not any(any((mlx.parent / "mlx_cpu.libs").glob("libblas-*.so*")) for mlx in _package_folders("mlx")):
        return "this MLX does not use the reference BLAS"
    return None


def _load(torch: list[Path]) -> str | None:
    """Put PyTorch's library into the loader's global scope; the reason why not, or None where it went well."""
    if not torch:
        return "PyTorch is not installed"
    path = torch[0] / "lib" / "libtorch_cpu.so"
    try:
        # Loaded locally first, so that an unsuitable library never reaches the global scope.
        library = ctypes.CDLL(str(path), mode=ctypes.RTLD_LOCAL)
        missing = [name for name in EXPORTS if not hasattr(library, name)]
        if missing:
            return f"{path.name} does not export {', '.join(missing)}"
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        return f"{path.name} does not load ({error})"
    return None


def _package_folders(name: str) -> list[Path]:
    """The folders of an installed top-level package, without importing it; a namespace, like `mlx`, has several."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return []
    return [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
