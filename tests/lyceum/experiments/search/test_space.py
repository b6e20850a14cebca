"""The space: what the command line may say, the candidates, and the systems that a configuration enables."""

from __future__ import annotations

import numpy as np
import pytest

from lyceum.contract import UsageError
from lyceum.experiments.search.space import DEFAULT, draw, parse
from lyceum.personas import PERSONAS


def test_the_first_candidate_is_the_default_recipe():
    space = parse("aristotle", DEFAULT, ["muon"])
    recipe = PERSONAS["aristotle"].recipe(10001)
    first = draw(space, 4, 1, 10001)[0]
    assert first == {
        "peak_lr": recipe.peak_lr,
        "weight_decay": recipe.weight_decay,
        "dropout": recipe.dropout,
        "warmup_steps": recipe.warmup_steps,
        "muon": False,
    }
    assert space.systems(first) == PERSONAS["aristotle"].default


def test_a_default_outside_of_the_space_is_brought_into_it():
    assert draw(parse("aristotle", "peak_lr=2e-3:4e-3"), 2, 1, 10001)[0] == {"peak_lr": 2e-3}


def test_candidates_follow_from_the_seed_and_a_longer_list_begins_with_a_shorter():
    space = parse("euclid", DEFAULT, ["moe"])
    drawn = draw(space, 16, 7, 10001)
    assert drawn == draw(space, 16, 7, 10001) and drawn[:8] == draw(space, 8, 7, 10001)
    assert drawn[1:] != draw(space, 16, 8, 10001)[1:]


def test_candidates_fill_the_space_evenly():
    space = parse("aristotle", "peak_lr=1e-4:1e-2:log,warmup_steps=0:300,dropout=0:0.4", ["moe", "ssm"])
    drawn = draw(space, 65, 1, 10001)[1:]
    logs = np.log10([each["peak_lr"] for each in drawn]) + 4
    assert np.bincount((logs * 8).astype(int), minlength=16).tolist() == pytest.approx([4] * 16, abs=1)
    assert all(isinstance(each["warmup_steps"], int) and 0 <= each["warmup_steps"] <= 300 for each in drawn)
    assert all(0 <= each["dropout"] <= 0.4 and f"{each['dropout']:.3g}" == f"{each['dropout']:g}" for each in drawn)
    pairs = [(each["moe"], each["ssm"]) for each in drawn]
    assert all(10 <= pairs.count(pair) <= 22 for pair in [(a, b) for a in (False, True) for b in (False, True)])


def test_a_system_switched_on_drives_out_what_excludes_it():
    space = parse("aristotle", "", ["rope", "norm", "memory"])
    on = {"rope": True, "norm": True, "memory": False}
    assert space.systems(on) == ("tokenize", "superpose", "rope", "norm", "sparse")
    assert space.systems({"rope": False, "norm": False, "memory": True}) == PERSONAS["aristotle"].default
    every = parse("aristotle", "", [each.name for each in PERSONAS["aristotle"].systems if not each.command])
    assert every.systems(dict.fromkeys(every.switches, True)), "some composition is valid, whatever is drawn"


@pytest.mark.parametrize(
    ("persona", "text", "switches", "words"),
    [
        ("plato", DEFAULT, [], "there is no persona 'plato'"),
        ("aristotle", "speed=1:2", [], "no field 'speed' to search: choose from peak_lr, warmup_steps"),
        ("aristotle", "peak_lr=1e-3", [], "peak_lr=1e-3 is no range: write peak_lr=LOW:HIGH"),
        ("aristotle", "peak_lr=2:1", [], "is no range"),
        ("aristotle", "peak_lr=0:1", [], "each a number above 0"),
        ("aristotle", "dropout=0:0.5:log", [], "is no range"),
        ("aristotle", "dropout=0:1", [], "is no range"),
        ("aristotle", "dropout=0:0.5:linear", [], "is no range"),
        ("aristotle", "warmup_steps=1:2.5", [], "each an integer"),
        ("aristotle", "", [], "nothing to search"),
        ("aristotle", "", ["sail"], "has no system 'sail'"),
        ("aristotle", "", ["quantize"], "'quantize' is not part of the model"),
    ],
)
def test_what_is_no_space_is_one_sentence(persona, text, switches, words):
    with pytest.raises(UsageError, match=words):
        parse(persona, text, switches)
