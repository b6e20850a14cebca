"""Localisation: every planted fault is found where it was planted, and healthy pairs never part."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import pytest
from turns import in_turn

from parity.forcing import compared, localise, places
from parity.forcing.parting import Parting, first
from parity.forcing.subjects import of_plan
from parity.forcing.teaching import lesson
from parity.mutants import MUTANTS
from parity.mutants.records import muon
from parity.mutants.rewrites import PLANTED
from parity.small import small_plan
from personas import PERSONAS
from personas.system import changes

NAMES = {f"{wing}: {fault.name}": (fault, wing) for fault, wing in MUTANTS}
# The room of a fault, and where the model keeps it.
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
# Rooms without a switch of their own, and a system that uses each.
USED_BY = {
    "rotary": "aristotle.mla",
    "chunks": "aristotle.ssm",
    "gated": "aristotle.norm",
    "dispatch": "aristotle.moe",
    "euclid.mirrors": "euclid.mla",
}
# Faults, and rooms, that a step of training does not meet, so that a model cannot part there; cases catch them.
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
    "all gates before all values": "experts side by side, which a room of experts has alone",
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


MET = [name for name, (fault, _) in NAMES.items() if not {fault.name, fault.room} & UNMET.keys()]


def tiny(persona: str, system: str | None = None):
    """A persona's model with `system` on, of one block, or two if the system is seen only then."""
    systems = None
    if system and system not in PERSONAS[persona].default:
        systems = changes(PERSONAS[persona])[system]
    plan = small_plan(persona, systems=systems)
    blocks = 2 if system in ("ssm", "muon") else 1
    return of_plan(replace(plan, fixed=replace(plan.fixed, n_layer=blocks, batch_size=2)))


def parted(room: str, stop_at_the_model: bool = False) -> Parting | None:
    """Where the wings part first, of a persona that has the room; nothing is judged after it."""
    persona, _, system = USED_BY.get(room, room).rpartition(".")
    found = tiny(persona, system) if persona in ("aristotle", "euclid") else tiny("baseline")
    calls = found.mlx_call, found.torch_call
    pair, problem = compared(found.mlx, found.torch, found.inputs, None, calls, None, 0)
    updates = () if stop_at_the_model else found.updates
    judged = places(pair, problem, lesson(pair, problem).calls)
    return first(chain(judged, (update.place() for update in updates)))


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_wings_never_part(persona):
    found = tiny(persona)
    result = localise(**vars(found))
    assert result.parting is None, result.sentence()
    assert result.unpaired == ()
    # Whole numbers have no slope: what a room counts is compared by its cases, and by those who read it here.
    left = [place.name for place in result.places if place.reason or place.missing]
    assert left in ([], ["position.places"], ["vocabulary.remainders"])
    assert {"vocabulary.embed", "blocks.0.mixer.heads #2", "blocks.0", "optimizer.apply", "trainer.step"} <= {
        place.name for place in result.places
    }


@pytest.mark.parametrize("name", in_turn(MET, "torch"))
def test_a_planted_fault_is_found_in_its_place(name):
    fault, wing = NAMES[name]
    with fault.planted(wing):
        parting = parted("aristotle.muon" if fault in muon.FAULTS else fault.room)
    assert parting is not None, f"{name} is not found"
    assert parting.path in PLACES[fault.room], parting.sentence()
    assert (parting.stage == "update") is (parting.path in PLACES["trainer"])


HARMLESS = {f"{wing}: {rewrite.name}": (rewrite, wing) for rewrite, wing in PLANTED}


@pytest.mark.parametrize("name", list(HARMLESS)[::2])
def test_a_harmless_rewrite_parts_nobody(name):
    rewrite, wing = HARMLESS[name]
    with rewrite.planted(wing):
        parting = parted(rewrite.room, stop_at_the_model=rewrite.room != "trainer")
    assert parting is None, parting.sentence()
