"""The lens on every composition of Aristotle: whatever the layers are, the sums are right and patches exact."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from lyceum import personas
from lyceum.personas.aristotle.interpret import Causes
from lyceum.personas.lens.theorems import texts
from lyceum.personas.spec import tiny
from lyceum.personas.spec.system import changes
from parity.project.full_model import drawn
from parity.project.tiny_models import tiny_plan

COMPOSITIONS = changes(personas.find("aristotle"))


@pytest.mark.parametrize("backend", ["torch_ref", "mlx_impl"])
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_sums_and_patches(name, backend):
    plan = tiny_plan("aristotle", systems=COMPOSITIONS[name])
    spec, parameters = Causes(plan.modules, plan.fixed.n_layer), drawn(plan, 0)[0]
    float32 = {name: value.astype(np.float32) for name, value in parameters.items()}
    call = importlib.import_module(f"{backend}.arrays").functions(spec, "cpu", float32)
    ids, targets, other = texts(np.random.default_rng(0), tiny.N_VOCAB)
    contributions = call("contributions", ids, targets)
    assert contributions.shape[2] == len(spec.parts()) + 1
    np.testing.assert_allclose(contributions.sum(2), call("logits", ids, targets), rtol=2e-4, atol=2e-4)
    for value, same in ((0, ids), (1, other)):
        where = np.full((*ids.shape, len(spec.sites())), value, np.int32)
        patched = call("patched", ids, targets, other, where)
        assert np.array_equal(patched, call("log_prob", same, targets))
    if spec.attending():
        assert call("attention", ids).shape == (*ids.shape, len(spec.attending()), ids.shape[1])
