"""Switches: which compositions are allowed, in which order systems build, and one sentence for what is refused."""

from __future__ import annotations

import pytest

from lyceum import personas
from lyceum.personas import PERSONAS, PersonaError
from lyceum.personas.baseline.attention import Attention
from lyceum.personas.spec import system
from parity.project.tiny_models import tiny_plan

ARISTOTLE = PERSONAS["aristotle"]


def test_nothing_switched_is_the_default():
    assert personas.compose("aristotle") == ARISTOTLE.default == personas.check("aristotle")


def test_the_order_is_the_personas_not_the_callers():
    one = personas.compose("aristotle", ("ssm", "attention"), ("mla",))
    assert one == personas.compose("aristotle", ("attention", "ssm"), ("mla",))
    assert [name for name in one if name in ("attention", "ssm")] == ["attention", "ssm"]


def test_systems_build_one_after_another():
    """The state space takes every second block, whatever mixes in the others."""
    plan = tiny_plan("aristotle", systems=personas.compose("aristotle", ("attention", "ssm"), ("mla",)))
    mixers = [type(block.mixer.spec).__name__ for block in plan.skeleton.blocks]
    assert mixers == ["Syllogism", "SelectiveStateSpace"]
    assert plan.describe()["modules"]["mixer"][1]["class"].endswith("ssm.SelectiveStateSpace")


@pytest.mark.parametrize(
    ("on", "off", "words"),
    [
        (["plato"], [], "no system 'plato': choose from tokenize"),
        ([], ["plato"], "no system 'plato'"),
        (["ssm"], ["ssm"], "'ssm' is switched on and off at once"),
        (["rope"], [], "'rope' and 'mla' exclude each other .mla has rotary keys already.: switch one off"),
        (["attention"], [], "'attention' and 'mla' exclude each other .both are the mixer."),
    ],
)
def test_a_refusal_is_one_sentence(on, off, words):
    with pytest.raises(PersonaError, match=words):
        personas.compose("aristotle", on, off)


def test_the_baseline_has_no_switches():
    with pytest.raises(PersonaError, match="baseline has no system 'rope': all others are compared with it"):
        personas.compose("baseline", ["rope"])


def test_every_system_can_be_switched():
    """One change away from the default for every system that is part of the model, each a model that builds."""
    changes = system.changes(ARISTOTLE)
    assert set(changes) == {each.name for each in ARISTOTLE.systems if not each.command}
    for name, names in changes.items():
        assert (name in names) is (name not in ARISTOTLE.default)
        plan = tiny_plan("aristotle", systems=names)
        assert plan.initial(0) and plan.systems == names


def test_titles_name_the_difference():
    assert tiny_plan("aristotle").title == "aristotle"
    names = personas.compose("aristotle", ["rope"], ["mla"])
    assert tiny_plan("aristotle", systems=names).title == "aristotle with rope without mla"


def test_without_every_system_a_persona_is_the_baselines_model():
    plan = tiny_plan("aristotle", systems=())
    assert type(plan.modules["mixer"]) is Attention
    assert plan.modules.keys() == tiny_plan("baseline").modules.keys()
