"""What `lyceum sample` is asked for, checked before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from lyceum import personas
from lyceum.contract import UsageError
from lyceum.generation.prompt import Prompt, checked
from lyceum.personas.aristotle.sample import Modality
from lyceum.personas.baseline.sample import Plain
from lyceum.personas.euclid.sample import GoldenSection

RUN = Path("r")


def test_a_prompt_has_the_defaults_of_the_command():
    assert checked("x", RUN) == Prompt("x", RUN)


def test_a_bare_number_counts_and_a_number_can_be_a_prompt():
    assert checked("8", RUN) == Prompt("\n", RUN, continuations=8)
    assert checked("8", RUN, continuations=1) == Prompt("8", RUN)
    assert checked("8", RUN, continuations=3) == Prompt("8", RUN, continuations=3)
    assert checked(" 8", RUN) == Prompt(" 8", RUN)


@pytest.mark.parametrize(
    ("values", "default", "sampler"),
    [
        ({}, "modal", Modality()),
        ({}, "plain", Plain()),
        ({}, "golden", GoldenSection()),
        ({"temperature": 2.0}, "modal", Plain(2.0)),
        ({"temperature": 2.0}, "golden", GoldenSection(Plain(2.0))),
        ({"tau": 0.5}, "golden", GoldenSection(Modality(tau=0.5))),
        ({"sampler": "golden", "alpha": 0.1}, "modal", GoldenSection(Modality(0.1))),
        ({"sampler": "modal"}, "golden", Modality()),
        ({"sampler": "plain", "min_p": 0.1}, "golden", Plain(min_p=0.1)),
        ({"sampler": "plain", "top_k": 5, "top_p": None, "nu": None}, "golden", Plain(top_k=5)),
    ],
)
def test_which_sampler_the_values_and_the_persona_mean(values, default, sampler):
    assert checked("x", RUN, **values).sampler(default) == sampler


def test_how_each_persona_speaks():
    assert {name: persona.sampler for name, persona in personas.PERSONAS.items()} == {
        "baseline": "plain", "aristotle": "modal", "euclid": "golden"}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"text": ""}, "the prompt is empty"),
        ({"text": "a\udcff"}, "not UTF-8 from character 1 on"),
        ({"tokens": -1}, "--tokens must be from 0 to 1,000,000, got -1"),
        ({"seed": -1}, "the seed must be an integer from 0"),
        ({"seed": 2**63}, "the seed must be an integer from 0"),
        ({"alpha": 2.0}, "alpha must be from 0 to 1, got 2.0"),
        ({"nu": 0.5}, "nu must be above 1/2"),
        ({"tau": float("nan")}, "tau"),
        ({"sampler": "plain", "temperature": 0.0}, "temperature must be a number above 0"),
        ({"sampler": "plain", "top_p": 1.5}, "top-p"),
        ({"sampler": "plain", "top_k": 0}, "top-k"),
        ({"sampler": "modal", "temperature": 1.0}, "--temperature belongs to --sampler plain or golden"),
        ({"sampler": "plain", "nu": 0.9}, "--nu belongs to --sampler modal or golden"),
        ({"temperature": 1.0, "alpha": 0.0}, "--temperature and --alpha are of two samplers"),
        ({"sampler": "golden", "top_k": 3, "alpha": 0.0}, "--top-k and --alpha are of two samplers"),
        ({"continuations": 0}, "the number of continuations must be from 1 to 10,000, got 0"),
        ({"continuations": -3}, "got -3"),
        ({"text": "0"}, "the number of continuations must be from 1 to 10,000, got 0"),
        ({"text": 5000 * "9"}, "the number of continuations"),
    ],
)
def test_a_mistake_gets_one_sentence(values, words):
    with pytest.raises(UsageError) as caught:
        checked(**({"text": "x", "run": RUN} | values))
    assert words in str(caught.value) and "\n" not in str(caught.value)
