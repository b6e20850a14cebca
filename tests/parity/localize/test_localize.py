"""Localization: every planted fault is found where it was planted, and healthy pairs never part."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import pytest

from lyceum.personas import PERSONAS
from lyceum.personas.spec.system import changes
from parity.localize import compared, localize, places
from parity.localize.first_divergence import FirstDivergence, first
from parity.localize.paired_run import paired_run
from parity.localize.targets import of_plan
from parity.mutation import MUTANTS
from parity.mutation.faults.aristotle import muon
from parity.mutation.rewrites import PLANTED
from parity.project.tiny_models import tiny_plan
from tests.support.turns import in_turn

NAMES = {f"{backend}: {fault.name}": (fault, backend) for fault, backend in MUTANTS}
# The layer of a fault, and where the model keeps it.
PLACES = {
    "baseline.attention": ("blocks.0.mixer",),
    "baseline.norm": ("blocks.0.norm1",),
    "baseline.mlp": ("blocks.0.mlp",),
    "baseline.position": ("position",),
    "baseline.vocabulary": ("vocabulary",),
    "aristotle.tokenize": ("vocabulary",),
    "aristotle.rope": ("position",),
    "aristotle.attention": ("blocks.0.mixer",),
    "aristotle.mla": ("blocks.0.mixer",),
    "aristotle.ssm": ("blocks.1.mixer",),
    "aristotle.norm": ("blocks.0.norm1", "blocks.0.mlp"),
    "aristotle.moe": ("blocks.0.mlp", "trainer"),
    "aristotle.muon": ("optimizer", "trainer"),
    "euclid.tokenize": ("vocabulary",),
    "euclid.rope": ("position",),
    "euclid.attention": ("blocks.0.mixer",),
    "euclid.mirrors": ("blocks.0.mixer.plane",),
    "euclid.mla": ("blocks.0.mixer",),
    "euclid.ssm": ("blocks.1.mixer",),
    "euclid.norm": ("blocks.0.norm1", "blocks.0.mlp"),
    "euclid.moe": ("blocks.0.mlp", "trainer"),
    "euclid.muon": ("optimizer", "trainer"),
    "rotary": ("blocks.0.mixer",),
    "chunks": ("blocks.1.mixer",),
    "gated": ("blocks.0.mlp",),
    "dispatch": ("blocks.0.mlp", "trainer"),
    "newton_schulz": ("optimizer", "trainer"),
    "stacked": ("optimizer", "trainer"),
    "model": ("blocks.0",),
    "trainer": ("optimizer", "trainer"),
}
# Layers without a switch of their own, and a system that uses each.
USED_BY = {
    "rotary": "aristotle.mla",
    "chunks": "aristotle.ssm",
    "gated": "aristotle.norm",
    "dispatch": "aristotle.moe",
    "euclid.mirrors": "euclid.mla",
}
# Faults, and layers, that a step of training does not meet, so that a model cannot part there; cases catch them.
UNMET = {
    "positions from zero in generation": "generation only",
    "forgotten last token": "generation only",
    "projection's scale of the cache's width": "generation only",
    "projection's places from zero in generation": "generation only",
    "softplus cut off at 20": "gates beyond 20",
    "no floor under the root": "a vector of zeros",
    "held too early": "powers other than 1",
    "mixture": "joins the model after training",
    "ties to the higher index": "a vector of zeros",
    "tiny not squared": "a vector shorter than tiny",
    "length held after the root": "a vector of zeros",
    "chord held too early": "gates beyond 8",
    "chord not held": "gates beyond 1e19",
    "all gates before all values": "experts side by side, which a layer of experts has alone",
    "radius measured anew": "what rounding adds up to over thousands of steps",
    "the last token's state": "generation only",
    "middle terms forgotten": "generation only",
    "place of the last piece": "generation only",
    "first rows for new tokens": "generation only",
    "counted from zero again": "generation only",
    "end not counted": "generation only",
    "state not carried on": "generation only",
    "no gradient into the places": "the whole distribution only",
    "aristotle.quantize": "a checkpoint's, not a model's",
    "euclid.quantize": "a checkpoint's, not a model's",
    "aristotle.sample": "generation only",
    "euclid.sample": "generation only",
    "baseline.sample": "generation only",
    "sampling": "generation only",
    "keys not turned": "queries and keys are turned in a persona, not in the baseline",
    "neighbouring pairs": "queries and keys are turned in a persona, not in the baseline",
}


MET = [name for name, (fault, _) in NAMES.items() if not {fault.name, fault.layer} & UNMET.keys()]


def tiny(persona: str, system: str | None = None):
    """A persona's model with `system` on, of one block, or two if the system is seen only then."""
    systems = None
    if system and system not in PERSONAS[persona].default:
        systems = changes(PERSONAS[persona])[system]
    plan = tiny_plan(persona, systems=systems)
    blocks = 2 if system in ("ssm", "muon") else 1
    return of_plan(replace(plan, fixed=replace(plan.fixed, n_layer=blocks, batch_size=2)))


def parted(layer: str, stop_at_the_model: bool = False) -> FirstDivergence | None:
    """Where the backends part first, of a persona that has the layer; nothing is judged after it."""
    persona, _, system = USED_BY.get(layer, layer).rpartition(".")
    found = tiny(persona, system) if persona in ("aristotle", "euclid") else tiny("baseline")
    calls = found.mlx_call, found.torch_call
    pair, point = compared(found.mlx, found.torch, found.inputs, None, calls, None, 0)
    updates = () if stop_at_the_model else found.updates
    judged = places(pair, point, paired_run(pair, point).calls)
    return first(chain(judged, (update.place() for update in updates)))


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_backends_never_part(persona):
    found = tiny(persona)
    result = localize(**vars(found))
    assert result.first_divergence is None, result.sentence()
    assert result.unpaired == ()
    # Whole numbers have no slope: what a layer counts is compared by its cases, and by those who read it here.
    left = [place.name for place in result.places if place.reason or place.missing]
    assert left in ([], ["position.places"], ["vocabulary.remainders"])
    assert {"vocabulary.embed", "blocks.0.mixer.heads #2", "blocks.0", "optimizer.apply", "trainer.step"} <= {
        place.name for place in result.places
    }


@pytest.mark.parametrize("name", in_turn(MET, "torch"))
def test_a_planted_fault_is_found_in_its_place(name):
    fault, backend = NAMES[name]
    with fault.planted(backend):
        first_divergence = parted("aristotle.muon" if fault in muon.FAULTS else fault.layer)
    assert first_divergence is not None, f"{name} is not found"
    assert first_divergence.path in PLACES[fault.layer], first_divergence.sentence()
    assert (first_divergence.stage == "update") is (first_divergence.path in PLACES["trainer"])


HARMLESS = {f"{backend}: {rewrite.name}": (rewrite, backend) for rewrite, backend in PLANTED}


@pytest.mark.parametrize("name", list(HARMLESS)[::2])
def test_a_harmless_rewrite_parts_nobody(name):
    rewrite, backend = HARMLESS[name]
    with rewrite.planted(backend):
        first_divergence = parted(rewrite.layer, stop_at_the_model=rewrite.layer != "trainer")
    assert first_divergence is None, first_divergence.sentence()
