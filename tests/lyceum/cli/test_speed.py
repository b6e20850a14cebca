"""`lyceum speed`: runs write in turns; a mistake is one sentence."""

from __future__ import annotations

import pytest

from lyceum.cli import main


def test_two_runs_write_in_turns(run, euclid, capsys):
    flags = ["--tokens", "2", "--rounds", "3", "--continuations", "2", "--device", "cpu"]
    assert main(["speed", str(run), str(euclid), *flags]) == 0
    table, errors = capsys.readouterr()
    assert "tokens a second" in table and "1.000 to 1.000" in table and errors == ""
    assert table.count(" cpu ") == 2 and "euclid" in table


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere has no checkpoint"),
        (["nowhere", "--tokens", "0"], "'--tokens'"),
        (["nowhere", "--continuations", "17"], "'--continuations'"),
        (["nowhere", "--rounds", "0"], "'--rounds'"),
        ([], "RUN"),
    ],
)
def test_wrong_use_is_one_sentence(arguments, words, capsys):
    assert main(["speed", *arguments]) != 0
    out, errors = capsys.readouterr()
    assert out == "" and words in errors and errors.count("\n") == 1
