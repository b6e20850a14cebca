"""The audit for Apple's GPU: both backends pass, every planted fault fails, and its records are the packages'."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import mlx.core as mx
import mlx.nn
import numpy as np
import pytest
import torch
from torch import nn

from lyceum.personas import PERSONAS
from lyceum.personas.spec.case import collect
from parity.__main__ import main
from parity.mps_audit import audit, mlx_backend, torch_backend
from parity.mps_audit.audit import rows
from parity.mps_audit.operator_table import composite, serve, table
from parity.mps_audit.records import ALLOWED, FUSED, MLX_VERSION, REFUSED, UNDIVIDED
from parity.mps_audit.trace import Trace
from parity.project.tiny_models import tiny_plan, tiny_plans
from parity.results.records import AuditRow

BACKENDS = {"torch": torch_backend, "mlx": mlx_backend}
X = np.random.default_rng(0).normal(size=(3, 3))


@cache
def traces(backend: str) -> dict[str, Trace]:
    return audit.traces(BACKENDS[backend])


def names(backend: str) -> set[str]:
    return {name for trace in traces(backend).values() for name in trace.names}


def failures(backend: str, trace: Trace) -> dict[str, str]:
    """{name: how it is (not) served} of the rows that fail."""
    return {row.name: row.served for row in rows(backend, {"here": trace}, BACKENDS[backend].serve) if not row.ok}


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_defaults_pass(backend):
    """The models that are trained by default; every case and composition is a slow test."""
    plans = [tiny_plan(persona) for persona in PERSONAS]
    traces = audit.traces(BACKENDS[backend], plans)
    assert len(traces) == 3 * len(plans)
    assert [row.sentence() for row in rows(backend, traces, BACKENDS[backend].serve) if not row.ok] == []


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_backend_passes(backend):
    failed = [row for row in rows(backend, traces(backend), BACKENDS[backend].serve) if not row.ok]
    assert [row.sentence() for row in failed] == []
    models = {f"{what}: {name}" for what in ("model", "generation", "step") for name in tiny_plans()}
    assert set(traces(backend)) == {case.name for case in collect("CASES")} | models
    assert all(trace.names for trace in traces(backend).values())


@pytest.mark.slow
def test_forward_backward_and_optimizer_are_seen():
    assert names("torch") >= {"aten::gelu", "aten::gelu_backward", "aten::_fused_adamw_", "aten::linalg_vector_norm"}
    assert names("mlx") >= {"Erf", "Exp", "LayerNormVJP", "Scatter", "Power", "Minimum"}


@pytest.mark.slow
def test_no_record_is_stale():
    assert set(ALLOWED) <= names("torch")
    assert {name for instead in UNDIVIDED.values() for name in instead} <= names("torch")
    assert {name for instead in FUSED.values() for name in instead} <= mlx_backend.declared()
    assert set(REFUSED) <= mlx_backend.declared()


class Torch(nn.Module):
    """A module with a weight and one faulty line."""

    def __init__(self, line):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(3))
        self.line = line

    def forward(self, x):
        return self.line(x @ self.weight)


# torch.special.airy_ai has kernels for the CPU and CUDA only.
TORCH = {
    "svd": (lambda x: x * torch.linalg.svd(x)[1], "aten::_linalg_svd", "has no MPS kernel"),
    "no kernel": (lambda x: x + torch.special.airy_ai(x.detach()), "aten::special_airy_ai", "has no MPS kernel"),
    "float64 constant": (
        lambda x: x * torch.full((3,), 0.1, dtype=torch.float64, device=x.device),
        "float64 in aten::mul.Tensor",
        "no float64",
    ),
    "float64 on the way": (lambda x: x.double().sum(-1).float(), "float64 in aten::_to_copy", "float64"),
    "CPU tensor in an index": (lambda x: x[torch.arange(2)], "CPU tensor in aten::index.Tensor", "stays on the CPU"),
    "CPU mask": (lambda x: x * torch.ones(3), "CPU tensor in aten::ones", "stays on the CPU"),
    "needs numbers": (lambda x: x[x > 0], "stops on a device", ""),
}


@pytest.mark.parametrize("fault", TORCH)
def test_faults_in_torch(fault):
    line, name, words = TORCH[fault]
    failed = failures("torch", torch_backend.follow_module(Torch(line), "__call__", X))
    assert name in failed and words in failed[name]


def test_the_same_module_without_a_fault_passes():
    assert failures("torch", torch_backend.follow_module(Torch(lambda x: x * 2), "__call__", X)) == {}
    assert failures("mlx", mlx_backend.follow_module(Mlx(lambda x: x * 2), "__call__", X)) == {}


def test_an_operator_from_elsewhere_fails():
    with torch.library._scoped_library("lyceum_audit", "FRAGMENT") as library:
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: x + x, "CompositeExplicitAutograd")
        failed = failures("torch", torch_backend.follow(lambda: torch.ops.lyceum_audit.twice(torch.ones(2))))
    assert failed == {"lyceum_audit::twice": "is not in PyTorch's operator table"}


class Mlx(mlx.nn.Module):
    """A module with a weight and one faulty line."""

    def __init__(self, line):
        super().__init__()
        self.weight = mx.eye(3)
        self.line = line

    def __call__(self, x):
        return self.line(x @ self.weight)


MLX = {
    "qr": (lambda x: x * mx.stop_gradient(mx.linalg.qr(x, stream=mx.cpu)[0]), "QRF", "Metal QR"),
    "svd": (lambda x: x * mx.stop_gradient(mx.linalg.svd(x, stream=mx.cpu)[1]), "SVD", "Metal SVD"),
    "solve": (lambda x: x * mx.stop_gradient(mx.linalg.solve(x, x, stream=mx.cpu)), "LUF", "Metal LU"),
    "float64": (lambda x: x.astype(mx.float64).astype(mx.float32), "float64 in AsType", "no float64"),
}


def test_a_fused_function_without_a_record_fails():
    trace = Trace()
    with mlx_backend.fused(trace), pytest.raises(TypeError):
        mx.fast.gated_delta_update()
    assert failures("mlx", trace) == {"mx.fast.gated_delta_update": "is not declared in MLX's headers"}
    assert "call" not in repr(mx.fast.gated_delta_update), "put back"


@pytest.mark.parametrize("fault", MLX)
def test_faults_in_mlx(fault):
    line, name, words = MLX[fault]
    failed = failures("mlx", mlx_backend.follow_module(Mlx(line), "__call__", X))
    assert name in failed and words in failed[name]


def test_another_mlx_needs_another_record(monkeypatch):
    monkeypatch.setattr(mlx_backend, "version", lambda name: "9.9")
    served, ok = mlx_backend.serve("Add")
    assert MLX_VERSION in served and not ok


def test_refusals_are_read_from_a_library():
    strings = b"\0[QRF::eval_gpu] Metal QR factorization NYI.\0[Load::eval_gpu] Not implemented.\0[Sort::eval_gpu] Big"
    assert mlx_backend.refused(strings) == {name: REFUSED[name] for name in ("QRF", "Load")}


def test_the_record_is_the_installed_librarys():
    """The refusals of Metal on a Mac; elsewhere a library without a GPU, which refuses in other words."""
    library = next(Path(folder).glob("lib/libmlx.*") for folder in mlx.__path__)
    metal = platform.system() == "Darwin"
    assert mlx_backend.refused(next(library).read_bytes()) == (REFUSED if metal else {})


@pytest.mark.parametrize(
    ("name", "words", "ok"),
    [
        ("aten::gelu", "kernel gelu_out_mps", True),  # through its structured delegate
        ("aten::add.Tensor", "kernel add_out_mps", True),  # not SparseMPS
        ("aten::_fused_adamw_", "kernel _fused_adamw_kernel_mps_", True),
        ("aten::t", "made of others", True),
        ("aten::scaled_dot_product_attention", "made of others", True),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "has no MPS kernel, only CPU", False),
        ("aten::frobnicate", "is not in PyTorch's operator table", False),
    ],
)
def test_lookup(name, words, ok):
    assert serve(name) == (words, ok)


def test_the_table_is_read_completely():
    assert len(table()) > 2500
    assert sum("MPS" in kernels for kernels in table().values()) > 500
    assert composite("aten::t") and composite("aten::softmax.int") and not composite("aten::mm")
    assert table()["aten::cat.out"]["MPS"] == "cat_out_mps", "a comment beside `dispatch:` does not hide it"


def test_rows_name_the_first_occurrence():
    early, late = Trace({"a": None}), Trace({"a": None, "b": None}, {"flaw": "why"})
    assert rows("torch", {"first": early, "second": late}, lambda name: ("kernel", True)) == [
        AuditRow("torch", "flaw", "second", "why", False),
        AuditRow("torch", "a", "first", "kernel", True),
        AuditRow("torch", "b", "second", "kernel", True),
    ]


@pytest.mark.parametrize("ok", [True, False])
def test_command(monkeypatch, capsys, tmp_path, ok):
    passing = AuditRow("torch", "aten::x", "norm: typical", "kernel x", True)
    either = AuditRow("mlx", "QRF", "mlp: typical", "CPU only", ok)
    monkeypatch.setattr(audit, "audit", lambda: iter([passing, either]))
    file = tmp_path / "audit.jsonl"
    assert main(["audit", "--json", str(file)]) == (0 if ok else 1)
    out = capsys.readouterr().out
    assert "torch: 1 of 1 passed" in out and "not a run on Apple hardware" in out and "norm: typical" in out
    assert ("mlx, mlp: typical: QRF: CPU only" in out) is not ok
    assert len(file.read_text().splitlines()) == 3
