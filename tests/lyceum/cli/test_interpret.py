"""`lyceum interpret`: the page that it writes, the same in both backends, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

import train_mps
from lyceum.cli import main
from lyceum.interpretation.account import account
from lyceum.interpretation.answer import answered
from lyceum.interpretation.model import load
from lyceum.interpretation.page import number, probability, render
from lyceum.interpretation.question import checked
from lyceum.personas.lens.heat_map import HeatMap, Reading

TEXT, OTHER = "To be or not to be", "To do or not to do"


@pytest.fixture(scope="module")
def answers(aristotle):
    """The answer to one question in each backend."""
    question = checked(TEXT, 64, 3, " not", OTHER)
    return {name: answered(question, load(aristotle, train_mps.FIXED, name, "cpu")) for name in ("torch", "mlx")}


def test_a_page_is_written(aristotle, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["interpret", str(aristotle), TEXT, "--out", str(page), "--device", "cpu"]) == 0
    assert f"Wrote {page}: why " in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and "What gave" in text and "Whom the memory" in text
    assert "What would change" not in text, "no other text, no patching"
    assert not re.search(r"(src|href)=\"(?!#|data:)", text), "nothing is loaded"


def test_the_page_lies_in_the_run_by_default(aristotle):
    assert main(["interpret", str(aristotle), "Who", "--device", "cpu"]) == 0
    assert (aristotle / "interpret.html").exists()


def test_both_backends_see_the_same(answers):
    for one, other in zip(answers["torch"].maps, answers["mlx"].maps, strict=True):
        assert (one.title, one.rows, one.columns) == (other.title, other.rows, other.columns)
        np.testing.assert_allclose(one.values, other.values, atol=2e-5, equal_nan=True)


def test_the_maps_agree_with_the_model(answers):
    answer, maps = answers["torch"], {heat.title: heat.values for heat in answers["torch"].maps}
    assert answer.token == "·not" and answer.reading.at == 2
    foreseen = maps["How probable each token was"]
    explained = answer.alternatives[0]
    np.testing.assert_allclose(foreseen[:, 2], np.exp([explained.with_memory, explained.alone]), rtol=1e-5)
    np.testing.assert_allclose(maps["Whom the memory's gate trusts"].sum(0), 1, rtol=1e-5)
    np.testing.assert_allclose(maps["Who gave the token its probability"].sum(0), 1, rtol=1e-9)
    listed = [alternative.token for alternative in answer.alternatives]
    assert len(set(listed)) == len(listed) == 9


def test_the_patch_of_everything_is_the_other_run(answers, aristotle):
    answer = answers["torch"]
    (patched,) = [heat for heat in answer.maps if heat.title.startswith("What would change")]
    assert patched.columns == ("To", "·be → ·do", "·or", "all") and not patched.values[:, 0].any()
    model, other = load(aristotle, train_mps.FIXED, "torch", "cpu"), checked(OTHER, 64).ids[None]
    here, there = (model.call("log_prob", x, answer.reading.targets)[0, 2] for x in (answer.reading.ids, other))
    assert patched.values[0, -1] == pytest.approx(there - here, abs=1e-6), "the other embedding everywhere"


def test_the_likeliest_token_is_explained_at_the_end(aristotle):
    model = load(aristotle, train_mps.FIXED, "torch", "cpu")
    answer = answered(checked(TEXT, 64), model)
    assert answer.alternatives[0].with_memory == max(each.with_memory for each in answer.alternatives)
    assert answered(checked(TEXT, 64, 1), model).token == "·be", "before the end, the one that follows"


@pytest.mark.parametrize(("persona", "parts"), [("aristotle", 21), ("euclid", 9)])
def test_the_parts_account_for_every_logit(request, persona, parts):
    run = request.getfixturevalue(persona)
    for backend in ("torch", "mlx"):
        summed = account(answered(checked(TEXT, 64), load(run, train_mps.FIXED, backend, "cpu")).reading)
        assert summed.parts == parts and summed.error < 1e-5 and 3 / parts < summed.few < 1


def test_the_share_of_the_largest_parts():
    """Two tokens; parts of 4, -3, 2 and 1, then of 1, 1, 1, and -1; a base rate of 9, and a logit off by 0.25."""
    given = np.array([[[4.0], [-3.0], [2.0], [1.0], [9.0]], [[1.0], [1.0], [1.0], [-1.0], [9.0]]])[None]
    values = {"contributions": given, "logits": np.array([[[13.0], [11.25]]])}
    empty = np.zeros((1, 2), np.int32)
    summed = account(Reading(empty, empty, (), (), 0, lambda name, *arrays: values[name]))
    assert (summed.parts, summed.few, summed.error) == (4, pytest.approx((0.9 + 0.75) / 2), 0.25)
    assert summed.sentence() == (
        "4 parts add up to each logit within 0.2; the 3 largest have 82% of what is given and taken."
    )


def test_one_token_is_a_text(aristotle):
    answer = answered(checked("the", 64), load(aristotle, train_mps.FIXED, "torch", "cpu"))
    assert np.isnan(answer.maps[4].values[0, 0]) and "<table" in render(answer)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([""], "the text is empty"),
        (["a " * 65], "the text has 66 tokens and the model reads 64 at most: give a shorter one"),
        (["To be", "--position", "3"], "there is no position 3: the text has 2 tokens, so --position is from 1 to 2"),
        (["To be", "--position", "0"], "there is no position 0"),
        (["To be", "--patch", "To be or"], "the text has 2 tokens and that of --patch 3"),
        (["To be", "--patch", ""], "the text of --patch is empty"),
        (["To be", "--token", " wherefore art"], "--token ' wherefore art' is"),
        (["To be", "--token", ""], "--token is empty"),
        (["To \udcff"], "the text is not UTF-8 from character 3 on"),
        (["To be", "--device", "tpu"], "torch has no device 'tpu'"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_wrong_use_is_one_sentence(aristotle, capsys, arguments, words):
    assert main(["interpret", str(aristotle), *arguments]) == 2
    errors = capsys.readouterr().err
    assert words in errors and errors.count("\n") == 1


def test_what_has_no_lens_and_what_is_no_run(run, tmp_path, capsys):
    assert main(["interpret", str(run), "To be", "--device", "cpu"]) == 2
    assert "the persona 'baseline' has no lens: give a run of aristotle" in capsys.readouterr().err
    assert main(["interpret", str(tmp_path), "To be"]) == 1
    assert "has no checkpoint" in capsys.readouterr().err


def test_a_page_that_cannot_be_written(aristotle, tmp_path, capsys):
    assert main(["interpret", str(aristotle), "To be", "--device", "cpu", "--out", str(tmp_path)]) == 2
    assert "give another --out" in capsys.readouterr().err


def test_numbers():
    heat = HeatMap("", "", ("a",), ("b",), np.array([[0.004]]))
    assert number(0.004, heat) == "+0.00400" and probability(np.log(0.25)) == "25.0 %"
    assert probability(np.log(3e-5)) == "0.003 %"
